using System.Net;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Federation.Devices;
using EdgeMatrix.Server.Tests.Encryption;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>The devices of users of other servers, as they are kept for those who share a room with them.</summary>
public sealed class RemoteDevicesTests : RoomOfTwo
{
    private const string EveId = "@eve:three";

    [Fact]
    public async Task Devices_of_who_shares_a_room_are_asked_for_once_and_kept()
    {
        var bob = await One.RegisterAsync("bob", "BOB");
        await bob.UploadKeysAsync();
        var (carol, _) = await MeetAsync();
        var since = await NextAsync(carol);

        var first = await QueryAsync(carol, BobId);
        Assert.Equal([BobId], Changed(await SyncAsync(carol, since)));
        Network.Link("one", "two").Cut();
        var second = await QueryAsync(carol, BobId);
        await RestartTwoAsync();
        var third = await QueryAsync(carol with { Server = Two }, BobId);

        Assert.Equal(
            KeyMaker.Random32("curveBOB"),
            first["device_keys"].GetProperty(BobId).GetProperty("BOB").GetProperty("keys").GetProperty("curve25519:BOB").GetString());
        Assert.Equal(first.Body, second.Body);
        Assert.Equal(first.Body, third.Body);
        Assert.Equal("{}", first["failures"].ToString());
    }

    [Fact]
    public async Task Who_left_and_came_back_between_two_syncs_may_have_other_devices()
    {
        var (carol, room) = await MeetAsync();
        var since = await NextAsync(carol);

        await MoveAsync(room, "leave");
        await MoveAsync(room, "join");
        Assert.Equal([BobId], Changed(await SyncAsync(carol, since)));
    }

    [Fact]
    public async Task Updates_that_follow_each_other_are_taken_as_they_come()
    {
        using var three = new Three(stream: 5);
        var (carol, _) = await MeetThreeAsync(three);
        Assert.Equal(["A"], Devices(await QueryAsync(carol, EveId)));
        var since = await NextAsync(carol);

        await UpdateAsync("B", 6, [5], "Bee");
        Assert.Equal([EveId], Changed(await SyncAsync(carol, since)));
        Assert.Equal(["A", "B"], Devices(await QueryAsync(carol, EveId)));
        Assert.Equal("Bee", (await QueryAsync(carol, EveId))["device_keys"].GetProperty(EveId).GetProperty("B").GetProperty("unsigned").GetProperty("device_display_name").GetString());

        since = await NextAsync(carol, since);
        await UpdateAsync("A", 5, [4]);
        await UpdateAsync("B", 6, [5]);
        Assert.Equal([], Changed(await SyncAsync(carol, since)));
        await TellAsync("m.device_list_update", $$"""{"user_id":"{{EveId}}","device_id":"A","stream_id":7,"prev_id":[6],"deleted":true}""", "three");
        Assert.Equal(["B"], Devices(await QueryAsync(carol, EveId)));
        Assert.Equal([EveId], Changed(await carol.GetAsync($"/_matrix/client/v3/keys/changes?from={since}&to={await NextAsync(carol, since)}")));
        Assert.Equal(1, three.Asked);
    }

    [Fact]
    public async Task Where_an_update_is_missing_the_server_is_asked_for_all_of_it()
    {
        using var three = new Three(stream: 5);
        var (carol, _) = await MeetThreeAsync(three);
        await QueryAsync(carol, EveId);
        var since = await NextAsync(carol);

        (three.Stream, three.DeviceIds) = (9, ["C", "D"]);
        await UpdateAsync("D", 9, [8]);
        await IdleAsync();

        Assert.Equal([EveId], Changed(await SyncAsync(carol, since)));
        Assert.Equal(["C", "D"], Devices(await QueryAsync(carol, EveId)));
        Assert.Equal(2, three.Asked);

        // An update that follows nothing may be the first of many.
        since = await NextAsync(carol, since);
        await UpdateAsync("D", 1, []);
        await IdleAsync();
        Assert.Equal(3, three.Asked);
        Assert.Equal([], Changed(await SyncAsync(carol, since)));

        // A server that was set back counts anew.
        (three.Stream, three.DeviceIds) = (3, ["C", "D", "E"]);
        await UpdateAsync("E", 3, [2]);
        await IdleAsync();
        Assert.Equal(["C", "D", "E"], Devices(await QueryAsync(carol, EveId)));
        Assert.Equal(4, three.Asked);
    }

    [Fact]
    public async Task The_first_update_of_somebody_nobody_asked_about_has_the_list_fetched()
    {
        using var three = new Three(stream: 5);
        var (carol, _) = await MeetThreeAsync(three);
        var since = await NextAsync(carol);

        await UpdateAsync("A", 5, []);
        await IdleAsync();

        Assert.Equal([EveId], Changed(await SyncAsync(carol, since)));
        three.Fails = true;
        Assert.Equal(["A"], Devices(await QueryAsync(carol, EveId)));
        Assert.Equal(1, three.Asked);
    }

    [Fact]
    public async Task What_changes_while_a_server_is_asked_is_not_lost()
    {
        using var three = new Three(stream: 5);
        var (carol, _) = await MeetThreeAsync(three);
        three.WhileAsked = async () =>
        {
            // It answered before this, and the answer is still on its way.
            three.WhileAsked = null;
            await UpdateAsync("B", 6, [5]);
            (three.Stream, three.DeviceIds) = (6, ["A", "B"]);
        };

        Assert.Equal(["A"], Devices(await QueryAsync(carol, EveId)));
        await IdleAsync();

        Assert.Equal(["A", "B"], Devices(await QueryAsync(carol, EveId)));
        Assert.Equal(2, three.Asked);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_asked_when_it_is_heard_from_and_what_is_known_is_given_meanwhile()
    {
        using var three = new Three(stream: 5);
        var (carol, _) = await MeetThreeAsync(three);
        await QueryAsync(carol, EveId);
        Network.Link("two", "three").Cut();
        (three.Stream, three.DeviceIds) = (9, ["C"]);
        await UpdateAsync("C", 9, [8]);
        await IdleAsync();
        var since = await NextAsync(carol);

        var meanwhile = await QueryAsync(carol, EveId);
        Assert.Equal(["A"], Devices(meanwhile));
        Assert.Equal(["three"], meanwhile["failures"].EnumerateObject().Select(failure => failure.Name));

        Network.Link("two", "three").Mend();
        Two.Part<EdgeMatrix.Federation.Destinations>().HeardFrom("three");
        await IdleAsync();
        Assert.Equal([EveId], Changed(await SyncAsync(carol, since)));
        Assert.Equal(["C"], Devices(await QueryAsync(carol, EveId)));
    }

    [Fact]
    public async Task A_list_that_is_stale_is_asked_for_after_a_restart()
    {
        using var three = new Three(stream: 5);
        var (carol, _) = await MeetThreeAsync(three);
        await QueryAsync(carol, EveId);
        Network.Link("two", "three").Cut();
        (three.Stream, three.DeviceIds) = (9, ["C"]);
        await UpdateAsync("C", 9, [8]);
        await IdleAsync();

        Network.Link("two", "three").Mend();
        await RestartTwoAsync();
        await Two.UpkeepAsync(TimeSpan.FromHours(2));
        await IdleAsync();

        Network.Link("two", "three").Cut();
        Assert.Equal(["C"], Devices(await QueryAsync(carol with { Server = Two }, EveId)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_shares_no_room_any_longer_is_forgotten_and_asked_for_anew_later(bool theyLeave)
    {
        using var three = new Three(stream: 5);
        var (carol, room) = await MeetThreeAsync(three);
        await QueryAsync(carol, EveId);
        var since = await NextAsync(carol);

        if (theyLeave)
        {
            await MoveAsync(room, "leave", EveId);
        }
        else
        {
            await carol.PostAsync($"/_matrix/client/v3/rooms/{room}/leave", "{}");
        }

        Assert.Equal([EveId], (await SyncAsync(carol, since))["device_lists"].GetProperty("left").EnumerateArray().Select(id => id.GetString()));
        Assert.Null(Stored(EveId));
        await UpdateAsync("B", 6, [5]);
        Assert.Null(Stored(EveId));
        if (theyLeave)
        {
            since = await NextAsync(carol, since);
            three.DeviceIds = ["A", "B"];
            await MoveAsync(room, "join", EveId);
            Assert.Equal([EveId], Changed(await SyncAsync(carol, since)));
            Assert.Equal(["A", "B"], Devices(await QueryAsync(carol, EveId)));
        }
    }

    [Fact]
    public async Task A_server_changes_the_devices_of_its_own_users_only_and_what_has_no_form_is_not_taken()
    {
        using var three = new Three(stream: 5);
        var (carol, _) = await MeetThreeAsync(three);
        await QueryAsync(carol, EveId);

        await TellAsync("m.device_list_update", Update("B", 6, [5]), "one");
        await TellAsync("m.signing_key_update", $$"""{"user_id":"{{EveId}}","master_key":{{Cross("m", "master")}} }""", "one");
        await TellAsync("m.device_list_update", $$"""{"user_id":"{{EveId}}","device_id":"","stream_id":6,"prev_id":[5]}""", "three");
        await TellAsync("m.device_list_update", $$"""{"user_id":"{{EveId}}","device_id":"B","stream_id":"6","prev_id":[5]}""", "three");
        await TellAsync("m.device_list_update", $$"""{"user_id":"{{EveId}}","device_id":"B","stream_id":6,"prev_id":["5"]}""", "three");
        await TellAsync("m.signing_key_update", $$"""{"user_id":"{{EveId}}"}""", "three");
        Assert.Equal(((4, 4), (2, 2)), (CountsOf("m.device_list_update"), CountsOf("m.signing_key_update")));

        // Keys of another device are none of this one's.
        await TellAsync("m.device_list_update", $$"""{"user_id":"{{EveId}}","device_id":"B","stream_id":6,"prev_id":[5],"keys":{"device_id":"A"} }""", "three");
        Assert.Equal(["A"], Devices(await QueryAsync(carol, EveId)));
        Assert.Equal(1, three.Asked);
    }

    [Fact]
    public async Task Cross_signing_keys_come_along_and_can_be_signed()
    {
        using var three = new Three(stream: 5);
        var (carol, _) = await MeetThreeAsync(three);
        await QueryAsync(carol, EveId);
        var since = await NextAsync(carol);

        await TellAsync(
            "m.signing_key_update",
            $$"""{"user_id":"{{EveId}}","master_key":{{Cross("m", "master")}},"self_signing_key":{{Cross("s", "self_signing")}} }""",
            "three");

        Assert.Equal([EveId], Changed(await SyncAsync(carol, since)));
        var keys = await QueryAsync(carol, EveId);
        var publicKey = KeyMaker.PublicKey(KeyMaker.CrossSigningKey("m"));
        Assert.Equal(publicKey, keys["master_keys"].GetProperty(EveId).GetProperty("keys").GetProperty("ed25519:" + publicKey).GetString());
        Assert.True(keys["self_signing_keys"].TryGetProperty(EveId, out _));

        var (master, user) = (KeyMaker.CrossSigningKey("carol m"), KeyMaker.CrossSigningKey("carol u"));
        var uploaded = await carol.PostAsync(
            "/_matrix/client/v3/keys/device_signing/upload",
            $$"""
            {"master_key":{{Cross("carol m", "master", carol.UserId)}},
            "user_signing_key":{{KeyMaker.Sign(Cross("carol u", "user_signing", carol.UserId), carol.UserId, master)}} }
            """);
        Assert.Equal("{}", uploaded.Body);
        var signed = await carol.PostAsync(
            "/_matrix/client/v3/keys/signatures/upload",
            $$$"""{"{{{EveId}}}":{"{{{publicKey}}}":{{{KeyMaker.Sign(Cross("m", "master"), carol.UserId, user)}}}}}""");
        Assert.Equal("""{"failures":{}}""", signed.Body);
        Assert.True((await QueryAsync(carol, EveId))["master_keys"].GetProperty(EveId).GetProperty("signatures").TryGetProperty(carol.UserId, out _));
    }

    [Fact]
    public async Task A_server_that_knows_no_lists_is_asked_as_it_can_be()
    {
        using var three = new Three(stream: 5) { KnowsLists = false };
        var (carol, _) = await MeetThreeAsync(three);

        Assert.Equal(["A"], Devices(await QueryAsync(carol, EveId)));
        Assert.Equal(["A"], Devices(await QueryAsync(carol, EveId)));
    }

    [Fact]
    public async Task Of_a_crowd_the_lists_are_fetched_while_nobody_waits()
    {
        using var three = new Three(stream: 5);
        var (carol, room) = await MeetThreeAsync(three);
        var crowd = Enumerable.Range(0, 17).Select(n => $"@user{n}:three").ToList();
        foreach (var user in crowd)
        {
            await MoveAsync(room, "join", user);
        }

        var first = await QueryAsync(carol, [.. crowd]);
        await IdleAsync();
        Network.Link("two", "three").Cut();
        var second = await QueryAsync(carol, [.. crowd]);

        Assert.Equal((17, 17), (first["device_keys"].GetPropertyCount(), second["device_keys"].GetPropertyCount()));
        Assert.Equal(1, three.Queried);
    }

    private async Task<(TestSession Carol, string Room)> MeetThreeAsync(Three three)
    {
        Network.Join("three", three);
        return await MeetAsync(EveId);
    }

    private Task IdleAsync() => Two.Part<DeviceListResync>().IdleAsync();

    private Task UpdateAsync(string device, long stream, long[] prev, string name = "") =>
        TellAsync("m.device_list_update", Update(device, stream, prev, name), "three");

    private RemoteDeviceListRow? Stored(string user)
    {
        using var snapshot = Two.Part<Database>().OpenSnapshot();
        return RemoteDeviceListTable.Find(snapshot, UserTable.Find(snapshot, user)!.Value);
    }

    private static Task<TestAnswer> QueryAsync(TestSession user, params string[] of) => user.PostAsync(
        "/_matrix/client/v3/keys/query", $$"""{"device_keys":{{{string.Join(",", of.Select(id => $"\"{id}\":[]"))}}},"timeout":5000}""");

    private static List<string> Devices(TestAnswer query) =>
        query["device_keys"].TryGetProperty(EveId, out var devices) ? [.. devices.EnumerateObject().Select(device => device.Name)] : [];

    private static List<string?> Changed(TestAnswer news) =>
        (news.Json.TryGetProperty("device_lists", out var lists) ? lists : news.Json).TryGetProperty("changed", out var changed)
            ? [.. changed.EnumerateArray().Select(id => id.GetString())]
            : [];

    private static string Update(string device, long stream, long[] prev, string name = "") =>
        $$$"""
        {"user_id":"{{{EveId}}}","device_id":"{{{device}}}","stream_id":{{{stream}}},"prev_id":[{{{string.Join(",", prev)}}}],
        "device_display_name":"{{{name}}}","keys":{{{Three.Keys(EveId, device)}}}}
        """;

    private static string Cross(string name, string usage, string user = EveId)
    {
        var key = KeyMaker.PublicKey(KeyMaker.CrossSigningKey(name));
        return $$$"""{"user_id":"{{{user}}}","usage":["{{{usage}}}"],"keys":{"ed25519:{{{key}}}":"{{{key}}}"}}""";
    }

    /// <summary>A server that has nothing but users with devices, and says what the test has it say.</summary>
    private sealed class Three(long stream) : HttpMessageHandler
    {
        private int _asked;
        private int _queried;

        public long Stream { get; set; } = stream;

        public string[] DeviceIds { get; set; } = ["A"];

        public bool KnowsLists { get; init; } = true;

        public bool Fails { get; set; }

        /// <summary>Happens after a list was made and before it arrives.</summary>
        public Func<Task>? WhileAsked { get; set; }

        /// <summary>How often it was asked for a list.</summary>
        public int Asked => _asked;

        /// <summary>How often it was asked for keys without a list.</summary>
        public int Queried => _queried;

        public static string Keys(string user, string device) => $$"""{"user_id":"{{user}}","device_id":"{{device}}","keys":{},"algorithms":[]}""";

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var path = request.RequestUri!.AbsolutePath;
            if (path.StartsWith("/_matrix/federation/v1/user/devices/", StringComparison.Ordinal) && KnowsLists && !Fails)
            {
                Interlocked.Increment(ref _asked);
                var user = Uri.UnescapeDataString(path.Split('/')[^1]);
                var devices = DeviceIds.Select(id => $$"""{"device_id":"{{id}}","keys":{{Keys(user, id)}} }""");
                var answer = Json($$"""{"user_id":"{{user}}","stream_id":{{Stream}},"devices":[{{string.Join(",", devices)}}]}""");
                await (WhileAsked?.Invoke() ?? Task.CompletedTask);
                return answer;
            }

            if (path == "/_matrix/federation/v1/user/keys/query" && !Fails)
            {
                Interlocked.Increment(ref _queried);
                var asked = JsonElement.Parse(await request.Content!.ReadAsStringAsync(cancellationToken)).GetProperty("device_keys");
                var users = asked.EnumerateObject().Select(user => $$"""
                    "{{user.Name}}":{{{string.Join(",", DeviceIds.Select(id => $"\"{id}\":{Keys(user.Name, id)}"))}}}
                    """);
                return Json($$$"""{"device_keys":{{{{string.Join(",", users)}}}}}""");
            }

            return Json("""{"errcode":"M_UNRECOGNIZED","error":"What?"}""", HttpStatusCode.BadRequest);
        }

        private static HttpResponseMessage Json(string json, HttpStatusCode status = HttpStatusCode.OK) =>
            new(status) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
    }
}
