using System.Text.Json;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

/// <summary>Every room version from the outside: all that two people do in a room, and the ids that come of it.</summary>
public class RoomVersionTests
{
    private const string V3 = "/_matrix/client/v3";

    public static TheoryData<string> VersionIds => [.. RoomVersions.All.Select(version => version.Id)];

    [Theory]
    [MemberData(nameof(VersionIds))]
    public async Task A_room_of_any_version_is_lived_in(string version)
    {
        await using var server = await TestHomeserver.StartAsync(transport: Transport.Loopback);
        var alice = await server.RegisterAsync("alice");
        var bob = await server.RegisterAsync("bob");

        var room = await alice.CreateRoomAsync($$"""{"room_version":"{{version}}","preset":"private_chat","invite":["{{bob.UserId}}"]}""");
        Assert.Matches(version == "12" ? "^![A-Za-z0-9_-]{43}$" : "^![A-Za-z0-9]{18}:test$", room);
        Assert.Equal(room, (await bob.PostAsync($"{V3}/join/{room}", ""))["room_id"].GetString());

        // Ids are tried until one needs an escape, which every second one of version 3 does.
        string message;
        var number = 0;
        do
        {
            message = await bob.SendTextAsync(room, $"spam {number}", $"t{number++}");
            Assert.Matches(EventIdPattern(version), message);
        }
        while (version == "3" && !message.Contains('/', StringComparison.Ordinal));

        var path = Uri.EscapeDataString(message);
        var redaction = await alice.PutAsync($"{V3}/rooms/{room}/redact/{path}/r", """{"reason":"spam"}""");
        var redacted = await bob.GetAsync($"{V3}/rooms/{room}/event/{path}");
        Assert.Equal("{}", redacted["content"].GetRawText());
        var because = redacted["unsigned"].GetProperty("redacted_because");
        Assert.Equal((redaction["event_id"].GetString(), message), (because.GetProperty("event_id").GetString(), because.GetProperty("redacts").GetString()));

        var topic = await alice.PutAsync($"{V3}/rooms/{room}/state/m.room.topic", """{"topic":"versions"}""");
        Assert.Matches(EventIdPattern(version), topic["event_id"].GetString());
        Assert.Equal("versions", (await bob.GetAsync($"{V3}/rooms/{room}/state/m.room.topic"))["topic"].GetString());
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PutAsync($"{V3}/rooms/{room}/state/m.room.topic", """{"topic":"mine"}""")).Error);

        var users = version == "12" ? "" : $"\"{alice.UserId}\":100,";
        var levels = await alice.PutAsync($"{V3}/rooms/{room}/state/m.room.power_levels", $$$"""{"users":{{{{users}}}"{{{bob.UserId}}}":50}}""");
        Assert.Equal(200, (int)levels.Status);
        Assert.Equal(200, (int)(await bob.PutAsync($"{V3}/rooms/{room}/state/m.room.topic", """{"topic":"mine"}""")).Status);
        Assert.Equal((403, "M_FORBIDDEN"), (await bob.PostAsync($"{V3}/rooms/{room}/kick", $$"""{"user_id":"{{alice.UserId}}"}""")).Error);

        AssertStored(server, room);
    }

    [Theory]
    [MemberData(nameof(VersionIds))]
    public async Task New_power_levels_are_integers_in_every_version(string version)
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync($$"""{"room_version":"{{version}}"}""");
        var users = version == "12" ? "{}" : $$"""{"{{alice.UserId}}":100}""";

        var answer = await alice.PutAsync($"{V3}/rooms/{room}/state/m.room.power_levels", $$"""{"users":{{users}},"ban":"50"}""");

        Assert.Equal((400, "M_BAD_JSON"), answer.Error);
    }

    [Theory]
    [MemberData(nameof(VersionIds))]
    public async Task Any_version_may_be_the_default(string version)
    {
        await using var server = await TestHomeserver.StartAsync(options => options with { Rooms = options.Rooms with { DefaultVersion = version } });
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();

        var create = await alice.GetAsync($"{V3}/rooms/{room}/state/m.room.create");

        Assert.Equal(version, create["room_version"].GetString());
        Assert.Equal(version is not ("11" or "12"), create.Json.TryGetProperty("creator", out _));
    }

    [Fact]
    public async Task A_version_that_is_none_makes_no_room()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        var answer = await alice.PostAsync($"{V3}/createRoom", """{"room_version":"13"}""");

        Assert.Equal((400, "M_UNSUPPORTED_ROOM_VERSION"), answer.Error);
    }

    private static string EventIdPattern(string version) => version switch
    {
        "1" or "2" => "^\\$[A-Za-z0-9_-]{22}:test$",
        "3" => "^\\$[A-Za-z0-9+/]{43}$",
        _ => "^\\$[A-Za-z0-9_-]{43}$",
    };

    // What is on the disk is what other servers will be sent: it must pass what they check without asking anybody.
    private static void AssertStored(TestHomeserver server, string roomId)
    {
        var engine = server.Part<RoomEngine>();
        var room = engine.Find(roomId)!;
        var key = engine.Server.Key;
        using var snapshot = engine.Database.OpenSnapshot();
        var hashes = new Dictionary<string, string>();
        foreach (var stored in EventTable.Forward(snapshot, room.Nid, 0, long.MaxValue, 1_000))
        {
            var (pdu, refusal) = Pdu.Parse(stored.Json, room.Version);
            Assert.Null(refusal);
            Assert.Equal(stored.EventId, pdu!.EventId);
            Assert.Equal(!stored.Flags.HasFlag(EventFlags.Redacted), EventHashes.ContentHashMatches(pdu));
            Assert.True(EventSignatures.Verify(pdu, server.ServerName, key.KeyId, key.PublicKey));
            hashes[pdu.EventId] = UnpaddedBase64.Encode(EventHashes.ReferenceHash(JsonElement.Parse(stored.Json), room.Version));
            if (room.Version.EventIdFormat == EventIdFormat.Chosen)
            {
                AssertCites(JsonElement.Parse(stored.Json), "prev_events", hashes);
                AssertCites(JsonElement.Parse(stored.Json), "auth_events", hashes);
            }
        }

        Assert.True(hashes.Count > 10);
    }

    private static void AssertCites(JsonElement pdu, string field, Dictionary<string, string> hashes)
    {
        foreach (var cited in pdu.GetProperty(field).EnumerateArray())
        {
            Assert.Equal(hashes[cited[0].GetString()!], cited[1].GetProperty("sha256").GetString());
        }
    }
}
