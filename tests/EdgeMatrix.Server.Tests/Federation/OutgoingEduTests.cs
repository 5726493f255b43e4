using System.Net;
using EdgeMatrix.Configuration;
using EdgeMatrix.Server.Tests.Encryption;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>What users do besides sending events reaches the servers with which they share a room.</summary>
public sealed class OutgoingEduTests : OutboxFixture
{
    protected override HomeserverOptions Change(HomeserverOptions options) => options with { Presence = new PresenceOptions { Enabled = true } };

    [Fact]
    public async Task Public_receipts_of_users_of_this_server_are_told_each_in_its_thread()
    {
        var (two, alice, room) = await MeetAsync();
        var said = await alice.SendTextAsync(room, "hello", "1");
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/receipt/m.read.private/{said}", "{}");
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/receipt/m.read/{said}", "{}");
        await Outbox.IdleAsync();
        var ts = One.Time.GetUtcNow().ToUnixTimeMilliseconds();
        Assert.Equal(
            ["{\"" + room + "\":{\"m.read\":{\"@alice:one\":{\"event_ids\":[\"" + said + "\"],\"data\":{\"ts\":" + ts + "}}}}}"],
            two.Edus("m.receipt").Select(edu => edu.GetRawText()));

        // Those of one user that come together stand in as many EDUs.
        Network.Link("one", "two").Cut();
        var more = await alice.SendTextAsync(room, "more", "2");
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/receipt/m.read/{more}", "{}");
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/receipt/m.read/{more}", """{"thread_id":"main"}""");
        Network.Link("one", "two").Mend();
        await AdvanceUntilAsync(() => two.Edus("m.receipt").Count >= 3, TimeSpan.FromSeconds(5));
        Assert.Equal(
            [null, "main"],
            two.Edus("m.receipt").Skip(1).Select(edu => edu.GetProperty(room).GetProperty("m.read").GetProperty("@alice:one").GetProperty("data"))
                .Select(data => data.TryGetProperty("thread_id", out var thread) ? thread.GetString() : null));
    }

    [Fact]
    public async Task Changes_of_devices_are_told_as_a_sequence()
    {
        var (two, alice, _) = await MeetAsync();
        // Each is told before the next: of changes of one device that wait together only the last is told.
        await alice.UploadKeysAsync("AAAA");
        await Outbox.IdleAsync();
        await alice.PutAsync($"/_matrix/client/v3/devices/{alice.DeviceId}", """{"display_name":"Phone"}""");
        await Outbox.IdleAsync();
        var laptop = await One.LogInAsync("alice", "LAPTOP");
        await Outbox.IdleAsync();
        await laptop.UploadKeysAsync();
        await Outbox.IdleAsync();
        await laptop.PostAsync("/_matrix/client/v3/logout", "{}");
        await Outbox.IdleAsync();

        var updates = two.Edus("m.device_list_update");
        Assert.Equal(["LAPTOP", alice.DeviceId], updates.Select(edu => edu.GetProperty("device_id").GetString()).Distinct().Order());
        Assert.All(updates, edu => Assert.Equal("@alice:one", edu.GetProperty("user_id").GetString()));
        var last = updates.Last(edu => edu.GetProperty("device_id").GetString() == alice.DeviceId);
        Assert.Equal("Phone", last.GetProperty("device_display_name").GetString());
        Assert.True(last.GetProperty("keys").GetProperty("keys").TryGetProperty($"ed25519:{alice.DeviceId}", out _));
        Assert.True(updates[^1].GetProperty("deleted").GetBoolean());
        Assert.False(updates[^1].TryGetProperty("keys", out _));

        // Each says which one it follows, the first that the device came; the last is that of what a server is told that asks for the whole list.
        Assert.Equal(1, updates[0].GetProperty("prev_id").GetArrayLength());
        foreach (var (edu, before) in updates.Skip(1).Zip(updates))
        {
            Assert.Equal([before.GetProperty("stream_id").GetInt64()], edu.GetProperty("prev_id").EnumerateArray().Select(id => id.GetInt64()));
        }
    }

    [Fact]
    public async Task Who_joins_servers_that_did_not_know_them_has_those_ask_for_their_devices()
    {
        var (two, alice, room) = await MeetAsync();
        var dave = await One.RegisterAsync("dave", "TABLET");
        await dave.UploadKeysAsync();
        await alice.SendTextAsync(room, "hello", "1");
        await Outbox.IdleAsync();
        Assert.Empty(two.Edus("m.device_list_update"));

        await dave.PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        await dave.PutAsync("/_matrix/client/v3/profile/@dave:one/displayname", """{"displayname":"Dave"}""");
        await Outbox.IdleAsync();
        var update = Assert.Single(two.Edus("m.device_list_update"));
        Assert.Equal(("@dave:one", "TABLET"), (update.GetProperty("user_id").GetString(), update.GetProperty("device_id").GetString()));
        Assert.Equal(0, update.GetProperty("prev_id").GetArrayLength());
    }

    [Fact]
    public async Task Keys_that_sign_others_are_told()
    {
        var (two, alice, _) = await MeetAsync();
        var (master, self) = (KeyMaker.CrossSigningKey("master"), KeyMaker.CrossSigningKey("self"));
        var answer = await alice.PostAsync(
            "/_matrix/client/v3/keys/device_signing/upload",
            $$$"""
            {"master_key":{"user_id":"@alice:one","usage":["master"],"keys":{"ed25519:{{{KeyMaker.PublicKey(master)}}}":"{{{KeyMaker.PublicKey(master)}}}"}},
            "self_signing_key":{{{KeyMaker.Sign(
                $$$$"""{"user_id":"@alice:one","usage":["self_signing"],"keys":{"ed25519:{{{{KeyMaker.PublicKey(self)}}}}":"{{{{KeyMaker.PublicKey(self)}}}}"}}""", "@alice:one", master)}}}}
            """);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        await Outbox.IdleAsync();

        foreach (var type in (string[])["m.signing_key_update", "org.matrix.signing_key_update"])
        {
            var update = Assert.Single(two.Edus(type));
            Assert.Equal("@alice:one", update.GetProperty("user_id").GetString());
            Assert.Equal("master", update.GetProperty("master_key").GetProperty("usage")[0].GetString());
            Assert.Equal("self_signing", update.GetProperty("self_signing_key").GetProperty("usage")[0].GetString());
        }
    }

    [Fact]
    public async Task A_message_to_devices_of_another_server_is_kept_until_it_has_it()
    {
        var two = Peer("two");
        var alice = await One.RegisterAsync("alice");
        Network.Link("one", "two").Cut();
        const string messages = """{"messages":{"@bob:two":{"A":{"n":1},"*":{"n":2}},"@carol:two":{"B":{"n":3}},"@alice:one":{"*":{"n":4}}}}""";
        await alice.PutAsync("/_matrix/client/v3/sendToDevice/org.example.note/t1", messages);
        await alice.PutAsync("/_matrix/client/v3/sendToDevice/org.example.note/t1", messages);
        Assert.Equal(1, Count("outgoing_messages"));
        await RestartAsync();
        Network.Link("one", "two").Mend();
        two.Answer = _ => Task.FromResult(two.Received.Count == 1 ? RecordingPeer.Fail(HttpStatusCode.InternalServerError) : null);
        await AdvanceUntilAsync(() => two.Received.Count >= 2, TimeSpan.FromSeconds(5));
        await Outbox.IdleAsync();

        var edus = two.Edus("m.direct_to_device");
        Assert.Equal(2, edus.Count);
        Assert.Equal(edus[0].GetRawText(), edus[1].GetRawText());
        Assert.Equal(two.Received[0].TxnId, two.Received[1].TxnId);
        Assert.Equal("@alice:one", edus[0].GetProperty("sender").GetString());
        Assert.Equal("org.example.note", edus[0].GetProperty("type").GetString());
        Assert.InRange(edus[0].GetProperty("message_id").GetString()!.Length, 16, 32);
        Assert.Equal("""{"@bob:two":{"A":{"n":1},"*":{"n":2}},"@carol:two":{"B":{"n":3}}}""", edus[0].GetProperty("messages").GetRawText());
        Assert.Equal(0, Count("outgoing_messages"));
    }

    [Fact]
    public async Task Many_messages_take_several_transactions()
    {
        var two = Peer("two");
        var alice = await One.RegisterAsync("alice");
        Network.Link("one", "two").Cut();
        for (var n = 0; n < 130; n++)
        {
            await alice.PutAsync($"/_matrix/client/v3/sendToDevice/org.example.note/t{n}", "{\"messages\":{\"@bob:two\":{\"A\":{\"n\":" + n + "}}}}");
        }

        Network.Link("one", "two").Mend();
        await AdvanceUntilAsync(() => two.Edus("m.direct_to_device").Count >= 130, TimeSpan.FromSeconds(5));
        Assert.Equal(
            Enumerable.Range(0, 130),
            two.Edus("m.direct_to_device").Select(edu => edu.GetProperty("messages").GetProperty("@bob:two").GetProperty("A").GetProperty("n").GetInt32()));
        Assert.All(two.Received, transaction => Assert.InRange(transaction.Body.GetProperty("edus").GetArrayLength(), 1, 100));
    }

    [Fact]
    public async Task Who_types_is_told_as_it_is_and_not_to_those_who_do_not_answer()
    {
        var (two, alice, room) = await MeetAsync();
        await alice.SendTextAsync(room, "hello", "0");
        await Outbox.IdleAsync();
        await One.WritesSettledAsync();
        var writes = One.Writes;
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        two.Answer = async _ =>
        {
            await gate.Task;
            return null;
        };
        await TypeAsync(true);
        await UntilAsync(() => two.Edus("m.typing").Count == 1);
        Assert.Equal($$"""{"room_id":"{{room}}","user_id":"@alice:one","typing":true}""", two.Edus("m.typing")[0].GetRawText());

        // What changes while a transaction is under way is told once, as it is then.
        await TypeAsync(false);
        await TypeAsync(true);
        await TypeAsync(false);
        gate.SetResult();
        await Outbox.IdleAsync();
        Assert.Equal([true, false], two.Edus("m.typing").Select(edu => edu.GetProperty("typing").GetBoolean()));
        Assert.Equal(writes, One.Writes);

        Network.Link("one", "two").Cut();
        await TypeAsync(true);
        await UntilAsync(() => One.Part<EdgeMatrix.Federation.Destinations>().Wait("two") is not null);
        await TypeAsync(false);
        Network.Link("one", "two").Mend();
        await alice.SendTextAsync(room, "hello", "1");
        await AdvanceUntilAsync(() => two.Texts.Count() == 2, TimeSpan.FromSeconds(1));
        Assert.Equal(2, two.Edus("m.typing").Count);

        Task TypeAsync(bool typing) => alice.PutAsync(
            $"/_matrix/client/v3/rooms/{room}/typing/@alice:one", typing ? """{"typing":true}""" : """{"typing":false}""");
    }

    [Fact]
    public async Task Who_is_there_is_told()
    {
        var (two, alice, _) = await MeetAsync();
        await Outbox.IdleAsync();
        await alice.PutAsync("/_matrix/client/v3/presence/@alice:one/status", """{"presence":"online","status_msg":"here"}""");
        await UntilAsync(() => two.Edus("m.presence").Count > 0);

        var push = two.Edus("m.presence")[^1].GetProperty("push")[0];
        Assert.Equal("@alice:one", push.GetProperty("user_id").GetString());
        Assert.Equal("online", push.GetProperty("presence").GetString());
        Assert.Equal("here", push.GetProperty("status_msg").GetString());
        Assert.Equal(0, push.GetProperty("last_active_ago").GetInt64());
    }

    [Fact]
    public async Task Who_is_there_already_is_told_when_a_server_comes_and_when_somebody_joins()
    {
        var two = Peer("two");
        var (alice, dave, fred) = (await One.RegisterAsync("alice"), await One.RegisterAsync("dave"), await One.RegisterAsync("fred"));
        foreach (var user in (TestSession[])[alice, dave])
        {
            await user.PutAsync($"/_matrix/client/v3/presence/{user.UserId}/status", """{"presence":"online"}""");
        }

        // Alice and Fred are in the room that Bob's server comes into, and Fred is not there.
        var room = await alice.CreateRoomAsync();
        await fred.PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        await JoinAsync(room, "@bob:two");
        await Outbox.IdleAsync();
        Assert.Equal(["@alice:one"], Told());

        await dave.PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        await Outbox.IdleAsync();
        Assert.Equal(["@alice:one", "@dave:one"], Told());

        // Neither a second user of a server nor a new name is a reason to say it again.
        await JoinAsync(room, "@carol:two");
        await dave.PutAsync("/_matrix/client/v3/profile/@dave:one/displayname", """{"displayname":"Dave"}""");
        await Outbox.IdleAsync();
        Assert.Equal(["@alice:one", "@dave:one"], Told());

        IEnumerable<string?> Told() => two.Edus("m.presence")
            .SelectMany(edu => edu.GetProperty("push").EnumerateArray()).Select(user => user.GetProperty("user_id").GetString());
    }

    [Fact]
    public async Task Servers_that_share_no_room_are_told_nothing()
    {
        var (_, alice, room) = await MeetAsync();
        var three = Peer("three");
        var other = await (await One.RegisterAsync("dave")).CreateRoomAsync();
        await JoinAsync(other, "@eve:three");
        await alice.UploadKeysAsync("AAAA");
        var said = await alice.SendTextAsync(room, "hello", "1");
        await alice.PostAsync($"/_matrix/client/v3/rooms/{room}/receipt/m.read/{said}", "{}");
        await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/typing/@alice:one", """{"typing":true}""");
        await Outbox.IdleAsync();

        Assert.Empty(three.Received);
    }

    /// <summary>A room of Alice and of Bob, who is at <c>two</c>.</summary>
    private async Task<(RecordingPeer Two, TestSession Alice, string Room)> MeetAsync()
    {
        var two = Peer("two");
        var alice = await One.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        await JoinAsync(room, "@bob:two");
        return (two, alice, room);
    }
}
