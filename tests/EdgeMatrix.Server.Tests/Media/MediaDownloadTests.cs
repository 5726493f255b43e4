using System.Net;
using System.Net.Http.Headers;
using EdgeMatrix.Configuration;
using EdgeMatrix.Media;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Media;

public sealed class MediaDownloadTests
{
    private static readonly byte[] _bytes = [.. Enumerable.Range(0, 200_000).Select(n => (byte)(n * 7))];

    [Theory]
    [InlineData(Transport.Memory)]
    [InlineData(Transport.Loopback)]
    public async Task What_was_uploaded_comes_back_as_it_was_after_a_restart_too(Transport transport)
    {
        var server = await TestHomeserver.StartAsync(transport: transport);
        var alice = await server.RegisterAsync("alice");
        var id = await alice.UploadAsync(_bytes, "image/png", "a cat.png");

        server = await server.RestartAsync();
        await using var _ = server;
        alice = alice with { Server = server };
        using var response = await alice.DownloadAsync(id);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(_bytes, await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("image/png", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("inline; filename=\"a cat.png\"; filename*=UTF-8''a%20cat.png", Header(response, "Content-Disposition"));
        Assert.StartsWith("sandbox; default-src 'none';", Header(response, "Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Equal("cross-origin", Header(response, "Cross-Origin-Resource-Policy"));
        Assert.Equal("nosniff", Header(response, "X-Content-Type-Options"));
        Assert.Equal("*", Header(response, "Access-Control-Allow-Origin"));
        Assert.True(response.Headers.CacheControl!.Private);
    }

    [Theory]
    [InlineData("image/png", "inline")]
    [InlineData("IMAGE/JPEG", "inline")]
    [InlineData("text/plain; charset=utf-8", "inline")]
    [InlineData("text/html", "attachment")]
    [InlineData("image/svg+xml", "attachment")]
    [InlineData("application/javascript", "attachment")]
    [InlineData("application/pdf", "attachment")]
    [InlineData(null, "attachment")]
    public async Task Only_types_that_cannot_act_are_shown_inline(string? type, string disposition)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var id = await alice.UploadAsync(_bytes, type);

        using var response = await alice.DownloadAsync(id);

        Assert.Equal(type ?? "application/octet-stream", Header(response, "Content-Type"));
        Assert.Equal(disposition, Header(response, "Content-Disposition"));
    }

    [Theory]
    [InlineData("naïve 写真.jpg", "naïve 写真.jpg")]
    [InlineData("quo\"te\\.txt", "quo\"te\\.txt")]
    [InlineData("line\r\nSet-Cookie: a=b", "lineSet-Cookie: a=b")]
    [InlineData("../../etc/passwd", "../../etc/passwd")]
    public async Task A_file_name_is_given_back_in_the_form_that_all_browsers_read(string name, string given)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var id = await alice.UploadAsync(_bytes, "image/png", name);

        using var response = await alice.DownloadAsync(id);

        Assert.Equal(given, response.Content.Headers.ContentDisposition!.FileNameStar);
    }

    [Fact]
    public async Task The_file_name_in_the_path_wins()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var id = await alice.UploadAsync(_bytes, "image/png", "mine.png");

        using var response = await alice.FetchAsync(HttpMethod.Get, $"{MediaClient.V1}/download/test/{id}/yours%2Fand%20mine.png");

        Assert.Equal("yours/and mine.png", response.Content.Headers.ContentDisposition!.FileNameStar);
    }

    [Fact]
    public async Task A_range_is_given_and_one_beyond_the_end_refused()
    {
        await using var server = await TestHomeserver.StartAsync(transport: Transport.Loopback);
        var alice = await server.RegisterAsync("alice");
        var id = await alice.UploadAsync(_bytes);

        using var part = await alice.DownloadAsync(id, headers => headers.Range = new RangeHeaderValue(1000, 1999));
        using var tail = await alice.DownloadAsync(id, headers => headers.Range = new RangeHeaderValue(null, 10));
        using var beyond = await alice.DownloadAsync(id, headers => headers.Range = new RangeHeaderValue(_bytes.Length, null));

        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal("bytes 1000-1999/200000", part.Content.Headers.ContentRange!.ToString());
        Assert.Equal(_bytes[1000..2000], await part.Content.ReadAsByteArrayAsync());
        Assert.Equal(_bytes[^10..], await tail.Content.ReadAsByteArrayAsync());
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, beyond.StatusCode);
    }

    [Fact]
    public async Task Who_has_it_already_is_told_so_and_HEAD_gives_no_bytes()
    {
        await using var server = await TestHomeserver.StartAsync(transport: Transport.Loopback);
        var alice = await server.RegisterAsync("alice");
        var id = await alice.UploadAsync(_bytes);

        using var head = await alice.FetchAsync(HttpMethod.Head, $"{MediaClient.V1}/download/test/{id}");
        using var again = await alice.DownloadAsync(id, headers => headers.IfNoneMatch.Add(head.Headers.ETag!));
        using var changed = await alice.DownloadAsync(id, headers =>
        {
            headers.Range = new RangeHeaderValue(0, 9);
            headers.IfRange = new RangeConditionHeaderValue("\"other\"");
        });

        Assert.Equal(_bytes.Length, head.Content.Headers.ContentLength);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        Assert.Equal(_bytes.Length, (await changed.Content.ReadAsByteArrayAsync()).Length);
    }

    [Fact]
    public async Task Without_a_token_there_is_none_and_the_old_endpoints_are_frozen()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var id = await alice.UploadAsync(_bytes);

        Assert.Equal((401, "M_MISSING_TOKEN"), (await server.GetAsync($"{MediaClient.V1}/download/test/{id}")).Error);
        foreach (var path in (string[])[$"v3/download/test/{id}", $"v3/download/test/{id}/a.png", $"v3/thumbnail/test/{id}?width=1&height=1", $"r0/download/test/{id}"])
        {
            Assert.Equal((404, "M_NOT_FOUND"), (await server.GetAsync("/_matrix/media/" + path)).Error);
            Assert.Equal((404, "M_NOT_FOUND"), (await server.GetAsync("/_matrix/media/" + path, alice.Token)).Error);
        }
    }

    [Theory]
    [InlineData("test/unknown")]
    [InlineData("other.example/AQwafuaFswefuhsfAFAgsw")]
    [InlineData("test/..%2F..%2Fedgematrix.db")]
    [InlineData("..%2F..%2Fetc/passwd")]
    public async Task Media_that_is_not_here_is_not_found(string path)
    {
        await using var server = await TestHomeserver.StartAsync(transport: Transport.Loopback);
        var alice = await server.RegisterAsync("alice");

        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync($"{MediaClient.V1}/download/{path}")).Error);
    }

    [Fact]
    public async Task Quarantined_bytes_are_given_to_nobody_under_any_id_until_they_are_released()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var first = await alice.UploadAsync(_bytes);
        var second = await alice.UploadAsync(_bytes);

        Assert.Equal(QuarantineVerdict.Done, await server.Part<MediaRepository>().QuarantineAsync(first, by: 1));
        var third = await alice.UploadAsync(_bytes);
        foreach (var id in (string[])[first, second, third])
        {
            Assert.Equal((404, "M_NOT_FOUND"), await alice.DownloadAsync(id).ErrorAsync());
        }

        Assert.True(await server.Part<MediaRepository>().UnquarantineAsync(third));
        using var response = await alice.DownloadAsync(first);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(QuarantineVerdict.NotFound, await server.Part<MediaRepository>().QuarantineAsync("unknown", by: 1));
    }

    [Fact]
    public async Task The_upload_limit_is_told()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with { Media = new MediaOptions { MaxUpload = 1234 } });
        var alice = await server.RegisterAsync("alice");

        Assert.Equal(1234, (await alice.GetAsync($"{MediaClient.V1}/config"))["m.upload.size"].GetInt64());
        Assert.Equal(1234, (await alice.GetAsync($"{MediaClient.Old}/config"))["m.upload.size"].GetInt64());
        Assert.Equal((401, "M_MISSING_TOKEN"), (await server.GetAsync($"{MediaClient.Old}/config")).Error);
    }

    private static string Header(HttpResponseMessage response, string name) =>
        string.Join(", ", response.Headers.Concat(response.Content.Headers).Single(header => header.Key == name).Value);
}
