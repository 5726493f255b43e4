using System.Net;
using EdgeMatrix.Configuration;
using EdgeMatrix.Media;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Media;

public sealed class MediaUploadTests
{
    private static readonly byte[] _bytes = [.. Enumerable.Range(0, 3000).Select(n => (byte)n)];

    [Fact]
    public async Task The_same_bytes_lie_on_the_disk_once_and_go_with_their_last_id()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var media = server.Part<MediaRepository>();

        var first = await alice.UploadAsync(_bytes, "image/png", "a.png");
        var second = await bob.UploadAsync(_bytes, "text/plain", "b.txt");

        Assert.NotEqual(first, second);
        var file = Assert.Single(MediaClient.FilesOf(server));
        Assert.Equal(_bytes, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        Assert.True(await media.DeleteAsync(first));
        Assert.Equal((404, "M_NOT_FOUND"), await bob.DownloadAsync(first).ErrorAsync());
        using (var response = await alice.DownloadAsync(second))
        {
            Assert.Equal("b.txt", response.Content.Headers.ContentDisposition!.FileNameStar);
        }

        Assert.True(await media.DeleteAsync(second));
        Assert.False(await media.DeleteAsync(second));
        Assert.Empty(MediaClient.FilesOf(server));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(server.DataFolder, "media", "tmp")));
    }

    [Fact]
    public async Task A_start_removes_what_a_crash_left_and_nothing_else()
    {
        var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var id = await alice.UploadAsync(_bytes);
        var kept = Assert.Single(MediaClient.FilesOf(server));
        var temporary = Path.Combine(server.DataFolder, "media", "tmp");
        var orphan = Path.Combine(server.DataFolder, "media", "ab", new string('c', 62));
        Directory.CreateDirectory(Path.GetDirectoryName(orphan)!);
        string[] left =
        [
            orphan,
            Path.Combine(temporary, "half"),
            Path.Combine(temporary, "ab" + new string('c', 62) + ".check"),
            Path.Combine(temporary, Path.GetFileName(Path.GetDirectoryName(kept)) + Path.GetFileName(kept) + ".check"),
        ];
        foreach (var file in left)
        {
            await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        }

        server = await server.RestartAsync();
        await using var _ = server;
        using var response = await (alice with { Server = server }).DownloadAsync(id);

        Assert.Equal(_bytes, await response.Content.ReadAsByteArrayAsync());
        Assert.Equal([kept], MediaClient.FilesOf(server));
        Assert.Empty(Directory.EnumerateFiles(temporary));
    }

    [Theory]
    [InlineData(Transport.Memory)]
    [InlineData(Transport.Loopback)]
    public async Task A_file_that_is_too_large_leaves_nothing(Transport transport)
    {
        await using var server = await TestHomeserver.StartAsync(
            options => options with { Media = new MediaOptions { MaxUpload = 3000 } }, transport);
        var alice = await server.RegisterAsync("alice");

        await alice.UploadAsync(_bytes);
        var told = await alice.SendBytesAsync(HttpMethod.Post, $"{MediaClient.Old}/upload", [.. _bytes, 1]).ErrorAsync();
        var untold = await UploadChunkedAsync(alice, [.. _bytes, 1]).ErrorAsync();

        Assert.Equal((413, "M_TOO_LARGE"), told);
        Assert.Equal((413, "M_TOO_LARGE"), untold);
        Assert.Single(MediaClient.FilesOf(server));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(server.DataFolder, "media", "tmp")));
    }

    [Fact]
    public async Task A_user_has_a_quota_that_deleting_gives_back()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with { Media = new MediaOptions { UserQuota = 4000 } });
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));

        var id = await alice.UploadAsync(_bytes);
        Assert.Equal((403, "M_FORBIDDEN"), await alice.SendBytesAsync(HttpMethod.Post, $"{MediaClient.Old}/upload", _bytes).ErrorAsync());
        Assert.Equal((403, "M_FORBIDDEN"), await UploadChunkedAsync(alice, _bytes).ErrorAsync());
        await bob.UploadAsync(_bytes);
        Assert.True(await server.Part<MediaRepository>().DeleteAsync(id));
        await alice.UploadAsync(_bytes);
    }

    [Fact]
    public async Task An_id_can_be_made_first_and_who_asks_for_it_waits_for_the_file()
    {
        await using var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var made = await alice.PostAsync("/_matrix/media/v1/create", "{}");
        var id = made["content_uri"].GetString()!["mxc://test/".Length..];
        Assert.Equal(server.Time.GetUtcNow().AddDays(1).ToUnixTimeMilliseconds(), made["unused_expires_at"].GetInt64());

        var path = $"{MediaClient.V1}/download/test/{id}";
        Assert.Equal((504, "M_NOT_YET_UPLOADED"), (await bob.GetAsync(path + "?timeout_ms=0")).Error);
        var waiting = bob.DownloadAsync(id);
        Assert.Equal((403, "M_FORBIDDEN"), await PutAsync(bob, id).ErrorAsync());
        using (var put = await PutAsync(alice, id))
        {
            Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        }

        using var response = await waiting;
        Assert.Equal(_bytes, await response.Content.ReadAsByteArrayAsync());
        Assert.Equal((409, "M_CANNOT_OVERWRITE_MEDIA"), await PutAsync(alice, id).ErrorAsync());
        Assert.Equal((404, "M_NOT_FOUND"), await PutAsync(alice, "unknown").ErrorAsync());
    }

    [Fact]
    public async Task Who_waits_in_vain_is_told_when_the_time_is_over()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var id = (await alice.PostAsync("/_matrix/media/v1/create", "{}"))["content_uri"].GetString()!["mxc://test/".Length..];

        var waiting = alice.GetAsync($"{MediaClient.V1}/download/test/{id}?timeout_ms=5000");
        while (!waiting.IsCompleted)
        {
            server.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        Assert.Equal((504, "M_NOT_YET_UPLOADED"), (await waiting).Error);
    }

    [Fact]
    public async Task An_id_that_is_not_used_in_time_is_forgotten()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var id = "";
        for (var n = 0; n < 20; n++)
        {
            id = (await alice.PostAsync("/_matrix/media/v1/create", "{}"))["content_uri"].GetString()!["mxc://test/".Length..];
        }

        Assert.Equal((429, "M_LIMIT_EXCEEDED"), (await alice.PostAsync("/_matrix/media/v1/create", "{}")).Error);
        await server.UpkeepAsync(TimeSpan.FromHours(25));

        Assert.Equal((404, "M_NOT_FOUND"), await PutAsync(alice, id).ErrorAsync());
        Assert.Equal((404, "M_NOT_FOUND"), await alice.DownloadAsync(id).ErrorAsync());
        Assert.Equal(HttpStatusCode.OK, (await alice.PostAsync("/_matrix/media/v1/create", "{}")).Status);
    }

    [Fact]
    public async Task Several_at_once_of_the_same_bytes_and_a_deletion_among_them_leave_each_id_its_file()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var media = server.Part<MediaRepository>();

        await Parallel.ForEachAsync(Enumerable.Range(0, 40), TestContext.Current.CancellationToken, async (n, _) =>
        {
            var id = await alice.UploadAsync(_bytes);
            if (n % 4 != 0)
            {
                Assert.True(await media.DeleteAsync(id));
            }
            else
            {
                using var response = await alice.DownloadAsync(id);
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            }
        });

        Assert.Single(MediaClient.FilesOf(server));
    }

    private static Task<HttpResponseMessage> PutAsync(TestSession session, string id) =>
        session.SendBytesAsync(HttpMethod.Put, $"{MediaClient.Old}/upload/test/{id}", _bytes, "image/png");

    private static async Task<HttpResponseMessage> UploadChunkedAsync(TestSession session, byte[] bytes)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{MediaClient.Old}/upload") { Content = new StreamContent(new MemoryStream(bytes)) };
        request.Headers.Authorization = new("Bearer", session.Token);
        request.Headers.TransferEncodingChunked = true;
        return await session.Server.Http.SendAsync(request);
    }
}
