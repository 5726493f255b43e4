using System.Net;
using System.Text;
using EdgeMatrix.Configuration;
using EdgeMatrix.Server.Tests.Admin;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Alice is at one, which has an administrator; bob is at two, three is what a test makes of it.</summary>
public sealed class RemoteMediaTests : TwoServers
{
    private const int MaxBytes = 100_000;
    private const string OfThree = "/_matrix/client/v1/media/download/three/file";

    protected override HomeserverOptions ChangeOne(HomeserverOptions options) => options with
    {
        Media = options.Media with { MaxUpload = MaxBytes, RemoteCache = 2 * MaxBytes },
        Registration = options.Registration with { SharedSecret = "secret" },
    };

    [Fact]
    public async Task A_file_of_another_server_is_fetched_once_and_kept()
    {
        var alice = await One.RegisterAsync("alice");
        var path = Path(await UploadAsync("hello", "text/plain"));

        var first = await alice.GetAsync(path);
        Network.Link("one", "two").Cut();
        var second = await alice.GetAsync(path);
        await RestartOneAsync();
        var third = await (alice with { Server = One }).GetAsync(path + "/other.txt");

        Assert.Equal(("hello", "text/plain", "inline; filename=a.txt; filename*=UTF-8''a.txt"), Said(first));
        Assert.Equal(Said(first), Said(second));
        Assert.Equal(("hello", "text/plain", "inline; filename=other.txt; filename*=UTF-8''other.txt"), Said(third));
        Assert.Contains("sandbox", first.Headers["Content-Security-Policy"]);
        Assert.Equal((404, "M_NOT_FOUND"), (await One.GetAsync(path.Replace("client/v1/media", "media/v3", StringComparison.Ordinal))).Error);
    }

    [Fact]
    public async Task Thumbnails_of_files_of_other_servers_are_made_here()
    {
        var alice = await One.RegisterAsync("alice");
        var picture = Convert.FromBase64String(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");
        using var three = new Three(_ => Three.Parts("image/png", picture));
        Network.Join("three", three);

        var thumbnail = await alice.GetAsync("/_matrix/client/v1/media/thumbnail/three/file?width=32&height=32&method=scale");

        Assert.Equal((HttpStatusCode.OK, "image/png"), (thumbnail.Status, thumbnail.Headers["Content-Type"]));
        Assert.Equal(1, three.Files);
    }

    [Fact]
    public async Task Other_servers_are_given_thumbnails()
    {
        var picture = Convert.FromBase64String(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");
        var uri = await UploadAsync(new ByteArrayContent(picture), "image/png");
        var target = $"/_matrix/federation/v1/media/thumbnail/{uri[(uri.LastIndexOf('/') + 1)..]}?width=32&height=32&method=scale";
        using var request = new HttpRequestMessage(HttpMethod.Get, target);
        request.Headers.TryAddWithoutValidation("Authorization", Authorize(target));
        using var response = await Two.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.OK, "multipart/mixed"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Contains("image/png", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        target = target.Replace("thumbnail/", "thumbnail/no", StringComparison.Ordinal);
        Assert.Equal((404, "M_NOT_FOUND"), await SendByHandAsync(target, Authorize(target)));
    }

    [Fact]
    public async Task Many_who_ask_at_once_have_it_fetched_once()
    {
        var alice = await One.RegisterAsync("alice");
        var asked = new TaskCompletionSource();
        using var three = new Three(_ => Three.Parts("text/plain", "hello"u8.ToArray())) { Before = asked.Task };
        Network.Join("three", three);

        var answers = Enumerable.Range(0, 5).Select(_ => alice.GetAsync(OfThree)).ToList();
        asked.SetResult();

        Assert.All(await Task.WhenAll(answers), answer => Assert.Equal("hello", answer.Body));
        Assert.Equal(1, three.Files);
    }

    [Fact]
    public async Task A_server_from_before_is_asked_in_the_old_way()
    {
        var alice = await One.RegisterAsync("alice");
        using var three = new Three(request => request.RequestUri!.AbsolutePath == "/_matrix/media/v3/download/three/file"
            ? Three.File("image/svg+xml", "<svg/>"u8.ToArray(), "attachment; filename*=UTF-8''%C3%A4.svg")
            : Three.Json("""{"errcode":"M_UNRECOGNIZED","error":"What?"}""", HttpStatusCode.NotFound));
        Network.Join("three", three);

        var answer = await alice.GetAsync(OfThree);

        Assert.Equal(("<svg/>", "image/svg+xml"), (answer.Body, answer.Headers["Content-Type"]));
        Assert.StartsWith("attachment; filename", answer.Headers["Content-Disposition"], StringComparison.Ordinal);
        Assert.EndsWith("%C3%A4.svg", answer.Headers["Content-Disposition"], StringComparison.Ordinal);
        Assert.Contains("allow_remote=false", three.LastQuery);
    }

    [Fact]
    public async Task A_file_may_be_elsewhere_but_not_where_requests_may_not_go()
    {
        var alice = await One.RegisterAsync("alice");
        var location = "https://cdn/file";
        using var three = new Three(_ => Three.Raw($"--b\r\nContent-Type: application/json\r\n\r\n{{}}\r\n--b\r\nLocation: {location}\r\n\r\n--b--"));
        using var cdn = new Three(_ => Three.File("text/plain", "from afar"u8.ToArray(), "inline; filename=\"x.txt\""));
        Network.Join("three", three);
        Network.Join("cdn", cdn);

        var answer = await alice.GetAsync(OfThree);
        Assert.Equal(("from afar", "text/plain", "inline; filename=x.txt; filename*=UTF-8''x.txt"), Said(answer));
        Assert.Null(cdn.LastAuthorization);

        foreach (var bad in new[] { "http://127.0.0.1/file", "http://cdn:22/file", "file:///etc/passwd", "nowhere" })
        {
            location = bad;
            Assert.Equal((504, "M_UNKNOWN"), (await alice.GetAsync(OfThree + "2")).Error);
        }
    }

    [Fact]
    public async Task What_is_too_large_is_not_taken()
    {
        var alice = await One.RegisterAsync("alice");
        var length = MaxBytes + 1;
        using var three = new Three(_ => Three.Parts("text/plain", new byte[length]));
        Network.Join("three", three);

        Assert.Equal((502, "M_TOO_LARGE"), (await alice.GetAsync(OfThree)).Error);
        length = 3 * MaxBytes;
        Assert.Equal((502, "M_TOO_LARGE"), (await alice.GetAsync(OfThree)).Error);
        length = MaxBytes;
        Assert.Equal(HttpStatusCode.OK, (await alice.GetAsync(OfThree)).Status);
        Assert.Empty(Directory.GetFiles(System.IO.Path.Combine(One.DataFolder, "media", "tmp")));
    }

    [Fact]
    public async Task What_is_no_file_is_none()
    {
        var alice = await One.RegisterAsync("alice");
        foreach (var (content, type) in new[]
        {
            ("hello", "text/plain"),
            ("hello", "multipart/mixed"),
            ("", "multipart/mixed; boundary=b"),
            ("--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b--", "multipart/mixed; boundary=b"),
            ("--b\r\n\r\n{}\r\n--b\r\nContent-Type: text/plain\r\n\r\nhell", "multipart/mixed; boundary=b"),
            ("--b\r\n\r\n{}\r\n--b\r\nX: " + new string('x', 10_000), "multipart/mixed; boundary=b"),
        })
        {
            using var three = new Three(_ => Three.Raw(content, type));
            Network.Join("three", three);
            Assert.Equal((504, "M_UNKNOWN"), (await alice.GetAsync(OfThree)).Error);
        }

        Network.Link("one", "two").Cut();
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync("/_matrix/client/v1/media/download/no%20name/file")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync("/_matrix/client/v1/media/download/three/a%2Fb")).Error);
        Assert.Equal((504, "M_UNKNOWN"), (await alice.GetAsync("/_matrix/client/v1/media/download/two/file")).Error);
    }

    [Fact]
    public async Task What_is_not_there_or_not_yet_says_so_and_nothing_of_the_server()
    {
        var alice = await One.RegisterAsync("alice");
        var bob = await Two.RegisterAsync("bob");
        var made = (await bob.PostAsync("/_matrix/media/v1/create", "{}"))["content_uri"].GetString()!;

        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync(Path("mxc://two/none"))).Error);
        Assert.Equal((504, "M_NOT_YET_UPLOADED"), (await alice.GetAsync(Path(made) + "?timeout_ms=0")).Error);
        await bob.PutAsync($"/_matrix/media/v3/upload/{made["mxc://".Length..]}", "late");
        Assert.Equal("late", (await alice.GetAsync(Path(made))).Body);
    }

    [Fact]
    public async Task Those_not_asked_for_the_longest_go_where_there_is_no_room()
    {
        var alice = await One.RegisterAsync("alice");
        using var three = new Three(request => Three.Parts("text/plain", [.. new byte[MaxBytes - 20], .. Encoding.UTF8.GetBytes(request.RequestUri!.AbsolutePath)[^20..]]));
        Network.Join("three", three);

        foreach (var id in new[] { "a", "b", "a", "c" })
        {
            Assert.Equal(HttpStatusCode.OK, (await alice.GetAsync($"/_matrix/client/v1/media/download/three/{id}")).Status);
            One.Time.Advance(TimeSpan.FromDays(2));
            await One.WritesSettledAsync();
        }

        Assert.Equal(3, three.Files);
        Network.Link("one", "three").Cut();
        Assert.Equal(HttpStatusCode.OK, (await alice.GetAsync("/_matrix/client/v1/media/download/three/a")).Status);
        Assert.Equal(HttpStatusCode.OK, (await alice.GetAsync("/_matrix/client/v1/media/download/three/c")).Status);
        Assert.Equal((504, "M_UNKNOWN"), (await alice.GetAsync("/_matrix/client/v1/media/download/three/b")).Error);
        Assert.Equal(2, Directory.GetFiles(System.IO.Path.Combine(One.DataFolder, "media"), "*", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public async Task Administrators_keep_files_from_everybody_and_have_them_deleted()
    {
        var alice = await One.RegisterAsync("alice");
        var admin = await One.RegisterAdminAsync();
        using var three = new Three(_ => Three.Parts("text/plain", "hello"u8.ToArray()));
        Network.Join("three", three);
        await alice.GetAsync(OfThree);

        Assert.Equal((404, "M_NOT_FOUND"), (await admin.PostAsync("/_synapse/admin/v1/media/quarantine/three/none", "{}")).Error);
        Assert.Equal("{}", (await admin.PostAsync("/_synapse/admin/v1/media/quarantine/three/file", "{}")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync(OfThree)).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync(OfThree + "2")).Error);
        Assert.Equal("{}", (await admin.PostAsync("/_synapse/admin/v1/media/unquarantine/three/file", "{}")).Body);
        Assert.Equal("hello", (await alice.GetAsync(OfThree)).Body);
        Assert.Equal(2, three.Files);

        var later = One.Time.GetUtcNow().AddDays(1).ToUnixTimeMilliseconds();
        Assert.Equal((400, "M_MISSING_PARAM"), (await admin.PostAsync("/_synapse/admin/v1/purge_media_cache", "{}")).Error);
        Assert.Equal("""{"deleted":2}""", (await admin.PostAsync($"/_synapse/admin/v1/purge_media_cache?before_ts={later}", "{}")).Body);
        Assert.Empty(Directory.GetFiles(System.IO.Path.Combine(One.DataFolder, "media"), "*", SearchOption.AllDirectories));
        Assert.Equal("hello", (await alice.GetAsync(OfThree)).Body);
        Assert.Equal(3, three.Files);
    }

    private static string Path(string uri) => "/_matrix/client/v1/media/download/" + uri["mxc://".Length..];

    private Task<string> UploadAsync(string content, string type) => UploadAsync(new StringContent(content, Encoding.UTF8), type);

    private async Task<string> UploadAsync(HttpContent content, string type)
    {
        var bob = await Two.RegisterAsync("bob");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/_matrix/media/v3/upload?filename=a.txt");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {bob.Token}");
        request.Content = content;
        request.Content.Headers.Remove("Content-Type");
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var response = await Two.Http.SendAsync(request);
        return System.Text.Json.JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("content_uri").GetString()!;
    }

    private static (string Body, string Type, string Disposition) Said(TestAnswer answer) =>
        (answer.Body, answer.Headers["Content-Type"], answer.Headers["Content-Disposition"]);

    private sealed class Three(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        private int _files;

        /// <summary>It answers after this.</summary>
        public Task Before { get; init; } = Task.CompletedTask;

        /// <summary>How many files it gave.</summary>
        public int Files => _files;

        public string LastQuery { get; private set; } = "";

        public string? LastAuthorization { get; private set; }

        public static HttpResponseMessage Json(string json, HttpStatusCode status = HttpStatusCode.OK) =>
            new(status) { Content = new StringContent(json, Encoding.UTF8, "application/json") };

        public static HttpResponseMessage File(string type, byte[] bytes, string disposition)
        {
            var content = new ByteArrayContent(bytes);
            content.Headers.TryAddWithoutValidation("Content-Type", type);
            content.Headers.TryAddWithoutValidation("Content-Disposition", disposition);
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
        }

        public static HttpResponseMessage Parts(string type, byte[] bytes) => Answer(
            [.. Encoding.UTF8.GetBytes($"--b\r\nContent-Type: application/json\r\n\r\n{{}}\r\n--b\r\nContent-Type: {type}\r\n\r\n"), .. bytes, .. "\r\n--b--\r\n"u8],
            "multipart/mixed; boundary=b");

        public static HttpResponseMessage Raw(string content, string type = "multipart/mixed; boundary=\"b\"") => Answer(Encoding.UTF8.GetBytes(content), type);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.RequestUri!.AbsolutePath.StartsWith("/.well-known", StringComparison.Ordinal))
            {
                return new HttpResponseMessage(HttpStatusCode.NotFound);
            }

            await Before;
            Interlocked.Increment(ref _files);
            LastQuery = request.RequestUri.Query;
            LastAuthorization = request.Headers.Authorization?.ToString();
            return answer(request);
        }

        private static HttpResponseMessage Answer(byte[] bytes, string type)
        {
            var content = new ByteArrayContent(bytes);
            content.Headers.TryAddWithoutValidation("Content-Type", type);
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
        }
    }
}
