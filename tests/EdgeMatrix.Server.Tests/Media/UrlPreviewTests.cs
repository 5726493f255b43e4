using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.Configuration;
using EdgeMatrix.Server.Tests.Outbound;
using EdgeMatrix.Testing;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace EdgeMatrix.Server.Tests.Media;

/// <summary>A site on the loopback, and what the server makes of its pages.</summary>
/// <remarks>
/// One of them counts what the whole process allocates: they run when no others do.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediapreview_url
/// </remarks>
[CollectionDefinition(nameof(UrlPreviewTests), DisableParallelization = true)]
[Collection(nameof(UrlPreviewTests))]
public sealed class UrlPreviewTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _asked = new();
    private readonly Dictionary<string, Func<HttpResponse, Task>> _pages = [];
    private Peer _site = null!;
    private TestHomeserver _server = null!;
    private TestSession _alice = null!;

    public async ValueTask InitializeAsync()
    {
        _site = await Peer.StartAsync();
        _site.Answer = async (request, response) =>
        {
            _asked.Enqueue(request.Path);
            if (_pages.TryGetValue(request.Path, out var page))
            {
                await page(response);
            }
            else
            {
                response.StatusCode = 404;
            }
        };
        _server = await StartAsync();
        _alice = await _server.RegisterAsync("alice");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _site.DisposeAsync();
    }

    [Fact]
    public async Task A_page_is_told_of_with_its_picture()
    {
        var png = Pictures.Png(30, 20);
        Page("/cat.png", png, "image/png");
        Page("/", """<title>no</title><meta property="og:title" content="Tea &amp; cats"><meta property="og:description" content="All of it"><meta property="og:image" content="/cat.png">""");

        var preview = (await PreviewAsync("/")).Json;

        var image = preview.GetProperty("og:image").GetString()!;
        Assert.Equal(
            $$"""{"og:title":"Tea & cats","og:description":"All of it","og:image":"{{image}}","og:image:type":"image/png","og:image:width":30,"og:image:height":20,"matrix:image:size":{{png.Length}}}""",
            preview.GetRawText());
        using var download = await _alice.DownloadAsync(image["mxc://test/".Length..]);
        Assert.Equal(png, await download.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_picture_is_its_own_preview()
    {
        Page("/cat.jpg", Pictures.Jpeg(8, 6), "image/jpeg");

        var preview = await PreviewAsync("/cat.jpg");

        Assert.Equal((8, 6), (preview["og:image:width"].GetInt32(), preview["og:image:height"].GetInt32()));
    }

    [Fact]
    public async Task What_is_no_page_and_no_picture_has_an_empty_preview()
    {
        Page("/file.pdf", "%PDF"u8.ToArray(), "application/pdf");
        Page("/fake.png", "<script>"u8.ToArray(), "image/png");

        Assert.Equal("{}", (await PreviewAsync("/file.pdf")).Body);
        Assert.Equal("{}", (await PreviewAsync("/fake.png")).Body);
    }

    [Fact]
    public async Task A_page_that_says_little_is_asked_by_oembed()
    {
        Page("/v", """<title>v</title><link rel=alternate type=application/json+oembed href=/embed?v>""");
        Page("/embed?v", """{"title":"A film","provider_name":"Films"}"""u8.ToArray(), "application/json");

        Assert.Equal("""{"og:title":"A film","og:site_name":"Films"}""", (await PreviewAsync("/v")).Body);
    }

    [Fact]
    public async Task It_is_asked_for_once_an_hour_by_however_many()
    {
        Page("/", "<title>one</title>");
        var all = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => PreviewAsync("/")));
        Assert.All(all, answer => Assert.Equal("""{"og:title":"one"}""", answer.Body));
        Assert.Single(_asked);

        Page("/", "<title>two</title>");
        var then = _server.Time.GetUtcNow().ToUnixTimeMilliseconds();
        _server.Time.Advance(TimeSpan.FromMinutes(61));

        Assert.Equal("""{"og:title":"one"}""", (await PreviewAsync("/", $"&ts={then}")).Body);
        Assert.Equal("""{"og:title":"two"}""", (await PreviewAsync("/")).Body);
        Assert.Equal(2, _asked.Count);
    }

    [Fact]
    public async Task Many_at_once_do_not_wait_for_each_other()
    {
        Page("/p.png", Pictures.Png(9, 9), "image/png");
        for (var i = 0; i < 30; i++)
        {
            Page($"/{i}", $"<title>{i}</title><img src=/p.png>");
        }

        var all = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => PreviewAsync($"/{i}")));

        Assert.All(all, answer => Assert.Equal(9, answer["og:image:width"].GetInt32()));
    }

    [Fact]
    public async Task A_failure_is_kept_for_five_minutes()
    {
        Assert.Equal((502, "M_UNKNOWN"), (await PreviewAsync("/gone")).Error);
        Assert.Equal((502, "M_UNKNOWN"), (await PreviewAsync("/gone")).Error);
        Assert.Single(_asked);

        Page("/gone", "<title>back</title>");
        _server.Time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal("""{"og:title":"back"}""", (await PreviewAsync("/gone")).Body);
    }

    [Theory]
    [InlineData("http://127.0.0.2:8008/", 403, "M_FORBIDDEN")]
    [InlineData("http://[::1]/", 403, "M_FORBIDDEN")]
    [InlineData("http://169.254.169.254/latest/meta-data", 403, "M_FORBIDDEN")]
    [InlineData("http://127.0.0.1:25/", 403, "M_FORBIDDEN")]
    [InlineData("file:///etc/passwd", 400, "M_INVALID_PARAM")]
    [InlineData("http://user:pass@example.org/", 400, "M_INVALID_PARAM")]
    [InlineData("/path", 400, "M_INVALID_PARAM")]
    public async Task It_asks_for_no_address_that_is_not_public(string url, int status, string code)
    {
        Assert.Equal((status, code), (await AskAsync(url)).Error);

        // Nor where a page of the web sends it.
        _pages["/away"] = response =>
        {
            response.Redirect(url);
            return Task.CompletedTask;
        };
        if (url[0] != '/')
        {
            Assert.Equal((status, code), (await PreviewAsync("/away")).Error);
        }
    }

    [Fact]
    public async Task A_page_shows_no_picture_from_where_the_server_may_not_go()
    {
        Page("/", "<title>t</title><meta property=og:image content=http://127.0.0.2:8008/secret.png>");

        Assert.Equal("""{"og:title":"t"}""", (await PreviewAsync("/")).Body);
    }

    [Fact]
    public async Task A_redirect_is_followed_and_links_are_of_where_it_leads()
    {
        _pages["/old"] = response =>
        {
            response.Redirect("/new/");
            return Task.CompletedTask;
        };
        Page("/new/", "<title>new</title><img src=p.png>");
        Page("/new/p.png", Pictures.Png(9, 9), "image/png");

        Assert.Equal(9, (await PreviewAsync("/old"))["og:image:width"].GetInt32());
    }

    [Fact]
    public async Task A_page_without_end_is_read_as_far_as_it_says_something()
    {
        _pages["/endless"] = async response =>
        {
            response.ContentType = "text/html";
            await response.WriteAsync("<title>endless</title>");
            var more = Encoding.ASCII.GetBytes(new string('x', 64 * 1024));
            while (!response.HttpContext.RequestAborted.IsCancellationRequested)
            {
                await response.Body.WriteAsync(more);
            }
        };

        Assert.Equal("""{"og:title":"endless"}""", (await PreviewAsync("/endless")).Body);
    }

    [Fact]
    public async Task A_picture_without_end_is_none()
    {
        _pages["/endless.png"] = async response =>
        {
            response.ContentType = "image/png";
            await response.Body.WriteAsync(Pictures.Png(4, 4));
            var more = new byte[256 * 1024];
            while (!response.HttpContext.RequestAborted.IsCancellationRequested)
            {
                await response.Body.WriteAsync(more);
            }
        };

        Assert.Equal((502, "M_UNKNOWN"), (await PreviewAsync("/endless.png")).Error);
    }

    [Fact]
    public async Task A_bomb_is_not_unpacked()
    {
        using var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            zip.Write("<title>bomb</title>"u8);
            var zeros = new byte[1 << 20];
            for (var i = 0; i < 256; i++)
            {
                zip.Write(zeros);
            }
        }

        _pages["/bomb"] = async response =>
        {
            response.ContentType = "text/html";
            response.Headers.ContentEncoding = "gzip";
            await response.Body.WriteAsync(packed.ToArray());
        };
        var before = GC.GetTotalAllocatedBytes();

        Assert.Equal("""{"og:title":"bomb"}""", (await PreviewAsync("/bomb")).Body);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 64 << 20);
    }

    [Fact]
    public async Task A_slow_page_is_waited_for_no_longer_than_fifteen_seconds()
    {
        var asked = new TaskCompletionSource();
        _pages["/slow"] = async response =>
        {
            response.ContentType = "text/html";
            await response.Body.FlushAsync();
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, response.HttpContext.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        };

        var preview = PreviewAsync("/slow");
        await asked.Task;
        while (!preview.IsCompleted)
        {
            _server.Time.Advance(TimeSpan.FromSeconds(15));
            await Task.WhenAny(preview, Task.Delay(20));
        }

        Assert.Equal((502, "M_UNKNOWN"), (await preview).Error);
    }

    [Fact]
    public async Task The_pictures_nobody_asked_for_the_longest_make_room()
    {
        var pictures = Enumerable.Range(1, 3).Select(i => Pictures.Png(40 * i, 40)).ToList();
        await using var server = await StartAsync(media => media with { PreviewCache = pictures[1].Length + pictures[2].Length });
        var bob = await server.RegisterAsync("bob");
        var images = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            Page($"/{i}.png", pictures[i], "image/png");
            var preview = await bob.GetAsync($"{MediaClient.V1}/preview_url?url={Uri.EscapeDataString($"{_site.Url}/{i}.png")}");
            images.Add(preview["og:image"].GetString()!["mxc://test/".Length..]);
            server.Time.Advance(TimeSpan.FromSeconds(1));
        }

        var there = new List<bool>();
        foreach (var image in images)
        {
            using var answer = await bob.DownloadAsync(image);
            there.Add(answer.IsSuccessStatusCode);
        }

        Assert.Equal([false, true, true], there);
        Assert.Equal(2, MediaClient.FilesOf(server).Length);
    }

    [Fact]
    public async Task It_is_off_unless_it_is_turned_on_and_for_users_only()
    {
        await using var server = await TestHomeserver.StartAsync();
        var bob = await server.RegisterAsync("bob");
        var path = $"{MediaClient.V1}/preview_url?url={Uri.EscapeDataString(_site.Url)}";

        Assert.Equal((404, "M_UNRECOGNIZED"), (await bob.GetAsync(path)).Error);
        Assert.Equal((401, "M_MISSING_TOKEN"), (await _server.GetAsync(path)).Error);
        Assert.Equal((400, "M_MISSING_PARAM"), (await _alice.GetAsync($"{MediaClient.V1}/preview_url")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await _alice.GetAsync(path + "&ts=x")).Error);
    }

    [Fact]
    public async Task Who_asks_for_too_many_is_told_to_wait()
    {
        await using var server = await StartAsync(limits: new RateLimits { Preview = new Rate(TimeSpan.FromSeconds(1), 2) });
        var bob = await server.RegisterAsync("bob");
        Page("/", "<title>t</title>");
        var path = $"{MediaClient.Old}/preview_url?url={Uri.EscapeDataString(_site.Url)}";

        Assert.Equal((200, null), (await bob.GetAsync(path)).Error);
        Assert.Equal((200, null), (await bob.GetAsync(path)).Error);
        Assert.Equal((429, "M_LIMIT_EXCEEDED"), (await bob.GetAsync(path)).Error);
    }

    private static Task<TestHomeserver> StartAsync(Func<MediaOptions, MediaOptions>? change = null, RateLimits? limits = null) =>
        TestHomeserver.StartAsync(options => options with
        {
            Network = new NetworkOptions { Allow = ["127.0.0.1"] },
            Media = (change ?? (media => media))(options.Media with { UrlPreviews = true }),
            Limits = limits ?? options.Limits,
        });

    private Task<TestAnswer> PreviewAsync(string path, string more = "") => AskAsync(_site.Url + path, more);

    private Task<TestAnswer> AskAsync(string url, string more = "") =>
        _alice.GetAsync($"{MediaClient.V1}/preview_url?url={Uri.EscapeDataString(url)}{more}");

    private void Page(string path, string html) => Page(path, Encoding.UTF8.GetBytes("<!DOCTYPE html>" + html), "text/html; charset=utf-8");

    private void Page(string path, byte[] body, string type) => _pages[path] = response =>
    {
        response.ContentType = type;
        return response.Body.WriteAsync(body).AsTask();
    };
}
