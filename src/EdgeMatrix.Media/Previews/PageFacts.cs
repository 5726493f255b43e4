using System.Text;

namespace EdgeMatrix.Media.Previews;

/// <summary>What a page says of itself that a preview may show.</summary>
/// <remarks>https://ogp.me, the markup of Twitter cards, and what HTML itself has.</remarks>
public sealed class PageFacts
{
    private const int MaxProperties = 100;
    private const int MaxParagraph = 1_000;
    private const int ShortestParagraph = 40;
    private const int SmallestPicture = 64;

    private readonly Dictionary<string, string> _properties = new(StringComparer.Ordinal);
    private Uri _base;
    private string? _title;
    private string? _heading;
    private string? _paragraph;
    private string? _picture;
    private string? _linkedPicture;
    private string? _icon;
    private string? _oEmbed;

    private PageFacts(Uri url) => _base = url;

    public string? Title => Property("og:title") ?? Property("twitter:title") ?? _title ?? _heading;

    public string? Description => Property("og:description") ?? Property("twitter:description") ?? Property("description") ?? _paragraph;

    public string? SiteName => Property("og:site_name");

    public string? Type => Property("og:type");

    public string? ImageAlt => Property("og:image:alt") ?? Property("twitter:image:alt");

    public Uri? Url => Resolve(Property("og:url"));

    public Uri? Image => Resolve(
        Property("og:image:secure_url") ?? Property("og:image") ?? Property("og:image:url") ?? Property("twitter:image")
        ?? Property("twitter:image:src") ?? _linkedPicture ?? _picture ?? _icon);

    /// <summary>Where the page says of itself as https://oembed.com has it, in JSON.</summary>
    public Uri? OEmbed => Resolve(_oEmbed);

    /// <summary>Whether the page says what it is called, and names a picture, for the purpose.</summary>
    public bool IsMarkedUp => _properties.ContainsKey("og:title") && Property("og:image") is not null;

    /// <param name="url">Where the page came from.</param>
    public static PageFacts Read(string html, Uri url)
    {
        var facts = new PageFacts(url);
        facts.Read(html);
        return facts;
    }

    private string? Property(string name) => _properties.GetValueOrDefault(name);

    private void Read(string html)
    {
        var reader = new HtmlReader(html);
        var aside = 0;
        StringBuilder? text = null;
        string? gathering = null;
        while (reader.Read())
        {
            switch (reader.Part)
            {
                case HtmlPart.Text when text is { Length: < MaxParagraph }:
                    text.Append(reader.Text);
                    break;
                case HtmlPart.Start when reader.Name is "title" or "h1" or "p":
                    Keep(gathering, text);
                    (gathering, text) = aside == 0 || reader.Name == "title" ? (reader.Name, new StringBuilder()) : (null, null);
                    break;
                case HtmlPart.Start:
                    aside += IsAside(reader.Name) ? 1 : 0;
                    TakeTag(ref reader, aside > 0);
                    break;
                case HtmlPart.End when reader.Name == gathering:
                    Keep(gathering, text);
                    (gathering, text) = (null, null);
                    break;
                case HtmlPart.End when IsAside(reader.Name) && aside > 0:
                    aside--;
                    break;
                default:
                    break;
            }
        }

        Keep(gathering, text);
    }

    private static bool IsAside(string name) => name is "nav" or "header" or "footer" or "aside" or "form" or "svg" or "button" or "noscript";

    private void Keep(string? element, StringBuilder? text)
    {
        if (element is null || PreviewText.Clean(text!.ToString()) is not { Length: > 0 } clean)
        {
            return;
        }

        switch (element)
        {
            case "title":
                _title ??= clean;
                break;
            case "h1":
                _heading ??= clean;
                break;
            case "p" when clean.Length >= ShortestParagraph:
                _paragraph ??= clean;
                break;
            default:
                break;
        }
    }

    private void TakeTag(ref HtmlReader reader, bool aside)
    {
        switch (reader.Name)
        {
            case "meta" when (reader.Attribute("property") ?? reader.Attribute("name")) is { } name
                && reader.Attribute("content") is { Length: > 0 } content && _properties.Count < MaxProperties:
                _properties.TryAdd(name.Trim().ToLowerInvariant(), content);
                break;
            case "base" when Resolve(reader.Attribute("href")) is { } url:
                _base = url;
                break;
            case "link" when reader.Attribute("href") is { Length: > 0 } target:
                TakeLink((reader.Attribute("rel") ?? "").ToLowerInvariant().Split(' '), reader.Attribute("type"), target);
                break;
            case "img" when !aside && _picture is null && reader.Attribute("src") is { Length: > 0 } source
                && !source.StartsWith("data:", StringComparison.OrdinalIgnoreCase)
                && !IsSmall(reader.Attribute("width")) && !IsSmall(reader.Attribute("height")):
                _picture = source;
                break;
            default:
                break;
        }
    }

    private void TakeLink(string[] relations, string? type, string target)
    {
        if (relations.Contains("image_src"))
        {
            _linkedPicture ??= target;
        }
        else if (relations.Contains("alternate") && type is not null && type.StartsWith("application/json+oembed", StringComparison.OrdinalIgnoreCase))
        {
            _oEmbed ??= target;
        }
        else if (relations.Contains("apple-touch-icon"))
        {
            _icon = target;
        }
        else if (relations.Contains("icon"))
        {
            _icon ??= target;
        }
    }

    private static bool IsSmall(string? length) => int.TryParse(length, out var pixels) && pixels < SmallestPicture;

    private Uri? Resolve(string? target) =>
        target is not null && Uri.TryCreate(_base, target.Trim(), out var url) && url.Scheme is "http" or "https" ? url : null;
}
