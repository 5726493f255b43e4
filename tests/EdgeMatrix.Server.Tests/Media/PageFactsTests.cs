using System.Text;
using EdgeMatrix.Media.Previews;
using Xunit;

namespace EdgeMatrix.Server.Tests.Media;

/// <summary>What is read out of pages, well made or not.</summary>
public sealed class PageFactsTests
{
    private static readonly Uri _url = new("https://example.org/a/page");

    [Fact]
    public void Open_graph_goes_before_cards_and_cards_before_the_page()
    {
        const string Card = """<meta name="twitter:title" content="card"><title>page</title>""";

        Assert.Equal("graph", Read($"""{Card}<meta property="og:title" content="graph">""").Title);
        Assert.Equal("card", Read(Card).Title);
        Assert.Equal("page", Read("<title>page</title><h1>heading</h1>").Title);
        Assert.Equal("heading", Read("<h1>head<b>ing</b></h1>").Title);
    }

    [Theory]
    [InlineData("<META CONTENT=\"a &amp; b\" PROPERTY=og:title>", "a & b")]
    [InlineData("<meta property='og:title' content='it&#39;s \"so\"'/>", "it's \"so\"")]
    [InlineData("<meta content=bare property=og:title>", "bare")]
    [InlineData("<!-- <meta property=og:title content=no> --><meta property=og:title content=yes>", "yes")]
    [InlineData("<script>\"<meta property=og:title content=no>\"</script><meta property=og:title content=yes>", "yes")]
    [InlineData("<meta title=it's property=og:title content=yes>", "yes")]
    [InlineData("<title> two\n  lines </title>", "two lines")]
    [InlineData("<title>a <b> c</title>", "a <b> c")]
    [InlineData("<p><<title>broken", "broken")]
    [InlineData("<title></title", null)]
    public void It_is_read_however_it_is_written(string html, string? title) => Assert.Equal(title, Read(html).Title);

    [Fact]
    public void The_first_paragraph_that_says_something_describes_the_page()
    {
        const string Long = "This is a paragraph that is long enough to say what the page is about.";

        Assert.Equal(Long, Read($"<nav><p>{Long} Not this one.</p></nav><p>Short.</p><p>{Long}<p>{Long} Nor this.").Description);
    }

    [Theory]
    [InlineData("<meta property=og:image content=/a.png><img src=/b.png>", "https://example.org/a.png")]
    [InlineData("<img src=data:image/png;base64,AA><img width=1 src=pixel.gif><img src=b.png>", "https://example.org/a/b.png")]
    [InlineData("<base href=https://cdn.example/x/><link rel='shortcut icon' href=i.png>", "https://cdn.example/x/i.png")]
    [InlineData("<meta property=og:image content=javascript:alert(1)>", null)]
    [InlineData("<meta property=og:image content=file:///etc/passwd>", null)]
    public void A_picture_is_where_the_page_says(string html, string? picture) => Assert.Equal(picture, Read(html).Image?.AbsoluteUri);

    [Theory]
    [InlineData("text/html; charset=iso-8859-1", "<title>caf\u00e9", "caf\u00e9")]
    [InlineData("text/html", "<meta charset=\"windows-1252\"><title>caf\u00e9", "caf\u00e9")]
    [InlineData("text/html", "<meta http-equiv=content-type content='text/html;charset=koi8-r'><title>\u00f0\u00d2\u00c9", "При")]
    [InlineData("text/html; charset=utf-8", "<title>caf\u00c3\u00a9", "caf\u00e9")]
    [InlineData(null, "<title>caf\u00c3\u00a9", "caf\u00e9")]
    [InlineData(null, "<title>caf\u00e9", "caf\u00e9")]
    [InlineData("text/html; charset=nonsense", "<title>caf\u00c3\u00a9", "caf\u00e9")]
    [InlineData("text/html; charset=utf-8", "\u00ff\u00fe<\0t\0i\0t\0l\0e\0>\0a\0", "a")]
    [InlineData("text/html; charset=shift_jis", "<title>\u0083\u0065", null)]
    public void The_charset_is_found(string? contentType, string latin1, string? title)
    {
        var html = PageCharset.Read(Encoding.Latin1.GetBytes(latin1), contentType);

        Assert.Equal(title, html is null ? null : Read(html).Title);
    }

    [Fact]
    public void No_page_makes_the_reader_fail_or_last()
    {
        var random = new Random(7);
        string[] pieces =
        [
            "<", "</", ">", "<!--", "-->", "<!", "<?", "<title>", "</title", "<script>", "</script>", "<p>", "<meta ", "property=", "og:title", "content=",
            "\"", "'", "=", "/", " ", "a", "&amp;", "&#xD800;", "&#99999999;", "&", "\ud800", "\0", "<a b=c d='e", "<base href=", "<img src=", "https://", "<nav>",
        ];
        for (var round = 0; round < 20_000; round++)
        {
            Touch(Read(string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => pieces[random.Next(pieces.Length)]))));
        }

        // What is long is read once through, whatever is left open.
        var began = DateTime.UtcNow;
        foreach (var piece in pieces)
        {
            Touch(Read(string.Concat(Enumerable.Repeat(piece, 500_000 / piece.Length))));
        }

        Assert.InRange((DateTime.UtcNow - began).TotalSeconds, 0, 30);
    }

    private static void Touch(PageFacts facts) => _ = (facts.Title, facts.Description, facts.Image, facts.Url, facts.OEmbed, facts.SiteName);

    private static PageFacts Read(string html) => PageFacts.Read(html, _url);
}
