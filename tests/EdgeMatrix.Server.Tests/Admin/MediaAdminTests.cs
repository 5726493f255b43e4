using System.Net;
using EdgeMatrix.Server.Tests.Media;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Admin;

public sealed class MediaAdminTests : IAsyncLifetime
{
    private const string V1 = "/_synapse/admin/v1";

    private TestHomeserver _server = null!;
    private TestSession _root = null!;
    private TestSession _alice = null!;
    private string _small = null!;
    private string _large = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestHomeserver.StartAsync();
        _root = await _server.RegisterAdminAsync();
        _alice = await _server.RegisterAsync("alice");
        _small = await _alice.UploadAsync([1, 2, 3], "image/png", "a.png");
        _server.Time.Advance(TimeSpan.FromSeconds(1));
        _large = await _alice.UploadAsync([1, 2, 3, 4], "text/plain", "b.txt");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task What_a_user_has_uploaded_is_listed_and_deleted()
    {
        var newest = await _root.GetAsync($"{V1}/users/@alice:test/media?limit=1");
        Assert.Equal((_large, 1, 2), (Id(newest, 0), newest["next_token"].GetInt32(), newest["total"].GetInt32()));
        var bySize = await _root.GetAsync($"{V1}/users/@alice:test/media?order_by=media_length");
        var ts = _server.Time.GetUtcNow().ToUnixTimeMilliseconds() - 1_000;
        Assert.Equal(
            $$"""{"media_id":"{{_small}}","media_type":"image/png","media_length":3,"upload_name":"a.png","created_ts":{{ts}},"last_access_ts":{{ts}},"quarantined_by":null,"safe_from_quarantine":false}""",
            bySize["media"][0].GetRawText());

        Assert.Equal($$"""{"deleted_media":["{{_large}}"],"total":1}""", (await _root.DeleteAsync($"{V1}/users/@alice:test/media?limit=1")).Body);
        Assert.Equal($$"""{"deleted_media":["{{_small}}"],"total":1}""", (await _root.DeleteAsync($"{V1}/users/@alice:test/media")).Body);
        Assert.Equal("""{"media":[],"total":0}""", (await _root.GetAsync($"{V1}/users/@alice:test/media")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await _root.GetAsync($"{V1}/users/@nobody:test/media")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await _root.GetAsync($"{V1}/users/@alice:test/media?order_by=luck")).Error);
        Assert.Equal((403, "M_FORBIDDEN"), (await _alice.DeleteAsync($"{V1}/users/@alice:test/media")).Error);
    }

    [Fact]
    public async Task How_much_users_have_uploaded_is_told()
    {
        await _root.UploadAsync([9], "text/plain", "c.txt");
        var all = await _root.GetAsync($"{V1}/statistics/users/media?order_by=media_count&dir=b");
        Assert.Equal(
            """[{"displayname":"alice","media_count":2,"media_length":7,"user_id":"@alice:test"},{"displayname":"root","media_count":1,"media_length":1,"user_id":"@root:test"}]""",
            all["users"].GetRawText());
        Assert.Equal(2, all["total"].GetInt32());
        Assert.Equal(1, (await _root.GetAsync($"{V1}/statistics/users/media?limit=1"))["next_token"].GetInt32());
        Assert.Equal(1, (await _root.GetAsync($"{V1}/statistics/users/media?search_term=ROO"))["total"].GetInt32());
        var later = _server.Time.GetUtcNow().ToUnixTimeMilliseconds();
        Assert.Equal(4, (await _root.GetAsync($"{V1}/statistics/users/media?from_ts={later}"))["users"][0].GetProperty("media_length").GetInt32());
        Assert.Equal((400, "M_INVALID_PARAM"), (await _root.GetAsync($"{V1}/statistics/users/media?from_ts=2&until_ts=1")).Error);
    }

    [Fact]
    public async Task All_of_a_user_is_quarantined_but_what_is_protected()
    {
        Assert.Equal("{}", (await _root.PostAsync($"{V1}/media/protect/{_small}", "{}")).Body);
        Assert.Equal("""{"num_quarantined":1}""", (await _root.PostAsync($"{V1}/user/@alice:test/media/quarantine", "{}")).Body);

        Assert.Equal((404, "M_NOT_FOUND"), await _alice.DownloadAsync(_large).ErrorAsync());
        using (var response = await _alice.DownloadAsync(_small))
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal((400, "M_UNKNOWN"), (await _root.PostAsync($"{V1}/media/quarantine/test/{_small}", "{}")).Error);
        var info = (await _root.GetAsync($"{V1}/media/test/{_large}"))["media_info"];
        Assert.Equal(("@root:test", "@alice:test"), (info.GetProperty("quarantined_by").GetString(), info.GetProperty("user_id").GetString()));
        Assert.Equal("{}", (await _root.PostAsync($"{V1}/media/unquarantine/test/{_large}", "{}")).Body);
        Assert.Equal("{}", (await _root.PostAsync($"{V1}/media/unprotect/{_small}", "{}")).Body);
        Assert.Equal("{}", (await _root.PostAsync($"{V1}/media/quarantine/test/{_small}", "{}")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await _root.PostAsync($"{V1}/media/protect/none", "{}")).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await _root.GetAsync($"{V1}/media/elsewhere/{_large}")).Error);
    }

    [Fact]
    public async Task What_a_room_shows_is_listed_and_quarantined()
    {
        var room = await _alice.CreateRoomAsync();
        await ShowAsync(room, $"mxc://test/{_small}", "1");
        await ShowAsync(room, "mxc://elsewhere/pic", "2");
        await ShowAsync(room, "https://example.org/pic", "3");

        Assert.Equal($$"""{"local":["mxc://test/{{_small}}"],"remote":["mxc://elsewhere/pic"]}""", (await _root.GetAsync($"{V1}/room/{room}/media")).Body);
        Assert.Equal("""{"num_quarantined":1}""", (await _root.PostAsync($"{V1}/room/{room}/media/quarantine", "{}")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), await _alice.DownloadAsync(_small).ErrorAsync());
        Assert.Equal((404, "M_NOT_FOUND"), (await _root.GetAsync($"{V1}/room/!none:test/media")).Error);
    }

    [Fact]
    public async Task What_nobody_asks_for_is_deleted_but_pictures_of_people_and_rooms()
    {
        var room = await _alice.CreateRoomAsync();
        await _alice.PutAsync("/_matrix/client/v3/profile/@alice:test/avatar_url", $$"""{"avatar_url":"mxc://test/{{_small}}"}""");
        _server.Time.Advance(TimeSpan.FromDays(3));
        var picture = await _alice.UploadAsync([7, 7, 7, 7, 7], "image/png", "room.png");
        await _alice.PutAsync($"/_matrix/client/v3/rooms/{room}/state/m.room.avatar", $$"""{"url":"mxc://test/{{picture}}"}""");
        var now = _server.Time.GetUtcNow().ToUnixTimeMilliseconds();

        Assert.Equal((400, "M_INVALID_PARAM"), (await _root.PostAsync($"{V1}/media/delete?before_ts=1790000000", "{}")).Error);
        Assert.Equal("""{"deleted_media":[],"total":0}""", (await _root.PostAsync($"{V1}/media/delete?before_ts={now}&size_gt=4", "{}")).Body);
        Assert.Equal($$"""{"deleted_media":["{{_large}}"],"total":1}""", (await _root.PostAsync($"{V1}/media/delete?before_ts={now + 1}", "{}")).Body);
        var rest = await _root.PostAsync($"{V1}/media/delete?before_ts={now + 1}&keep_profiles=false", "{}");
        Assert.Equal(2, rest["total"].GetInt32());
    }

    private async Task ShowAsync(string room, string url, string txn) => Assert.Equal(
        (200, null),
        (await _alice.PutAsync($"/_matrix/client/v3/rooms/{room}/send/m.room.message/{txn}", $$"""{"msgtype":"m.image","body":"x","url":"{{url}}"}""")).Error);

    private static string? Id(TestAnswer answer, int index) => answer["media"][index].GetProperty("media_id").GetString();
}
