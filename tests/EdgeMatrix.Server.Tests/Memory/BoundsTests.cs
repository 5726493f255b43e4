using System.Reflection;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Memory;

/// <summary>
/// "Every cache and queue is bounded": whatever can gather things in a living server stands here with its bound. A field that is not listed
/// fails the test: give it a share of the <see cref="EdgeMatrix.Storage.Memory.MemoryBudget"/>, or a bound, and say which.
/// </summary>
public class BoundsTests
{
    private static readonly Dictionary<string, string> _bounds = new(StringComparer.Ordinal)
    {
        // Shares of the budget: MemoryBudget.Divide sets their capacity, and they hold no more.
        ["BoundedCache._nodes"] = "its capacity in bytes: MakeRoom, before every addition",
        ["KnownFrames._nids"] = "as many as there are frames in its share: Add",
        ["LazyLoadedMembers._devices"] = "its capacity in bytes: DropLeastUsed",
        ["LazyLoadedMembers.Device.<Rooms>k__BackingField"] = "part of the above",
        ["LoadedRooms._rooms"] = "weak; twice the rooms of the share, 256, and the rooms in use: DropDead",
        ["Room._localMembers"] = "the accounts of this server; weighed in the share of the rooms",
        ["RoomHead.<Extremities>k__BackingField"] = "the forward extremities; every event of ours takes the place of all of them",
        ["RoomHead._known"] = "512 KiB and what is on its way to the disk: Know; weighed in the share of the rooms",
        ["SyncFilter._notRooms"] = "a filter of 64 KiB at most: FilterUpload; weighed in the share of the filters",
        ["SyncFilter._rooms"] = "likewise",
        ["RoomEventFilter._notRooms"] = "likewise",
        ["RoomEventFilter._rooms"] = "likewise",
        ["EventFilter._notSenders"] = "likewise",
        ["EventFilter._senders"] = "likewise",
        ["WaitingSyncs._ofDevice"] = "as many as there are waits, whose bytes are a share",
        ["WaitingSyncs._ofUser"] = "likewise",

        // The requests under way: 5,000, and their bodies are a share (RequestLimits).
        ["DatabaseWriter._queue"] = "1,024 jobs; a request whose job has no place waits. What nobody waits for is not queued when it is half full",
        ["DatabaseWriter._group"] = "256 jobs of the queue",
        ["Room._transactions"] = "requests under way",
        ["Room._annotations"] = "likewise",

        // Constants.
        ["DatabaseConnection._cache"] = "128 statements, the least used goes: MakeRoom; their bytes show in the share of SQLite",
        ["DatabaseConnection._inUse"] = "statements that nested code has in hand; none after the snapshot: ReturnAll",
        ["DatabaseReaders._all"] = "4 connections: DatabaseOptions.Readers",
        ["DatabaseReaders._idle"] = "likewise",
        ["EventNotifications._nobody"] = "nothing: the ignored users of whoever ignores none",
        ["PushRuleEvaluator._ofOwner"] = "part of the rules",
        ["EventNotifications.Recipient.<Ignored>k__BackingField"] = "a list of ignored users; weighed in the share of the push rules",
        ["EventNotifications.RoomRecipients.<Rows>k__BackingField"] = "the local members of a room; weighed in the share of room recipients",
        ["PushRuleEvaluator._rules"] = "rules of 256 KiB at most: UserPushRules; weighed in the share of the push rules",
        ["EventNotifications._movers"] = "who came to rooms or left them in the group of 256 jobs that is being written; then they go",
        ["PushDelivery._ofUser"] = "the pushers of accounts of this server, 50 of each at most: UserPushers",
        ["EphemeralNews._presenceUsers"] = "1,000 users; who comes beyond is not told: Add",
        ["EphemeralNews._typingRooms"] = "1,000 rooms; likewise",
        ["Glob._masks"] = "a pattern of a push rule; weighed in the share of the push rules",
        ["OldNotifications._ofUser"] = "a number for each local user of one room, and only while upkeep looks through it: FindRoom",
        ["PageCaches._connections"] = "those and the writer's",
        ["EventBodyCodec._idle"] = "2 coders: MaxCoders",
        ["InteractiveSessions._order"] = "1,000 sessions, the oldest goes: Begin",
        ["InteractiveSessions._sessions"] = "likewise",
        ["AdminTasks._tasks"] = "100 tasks, the oldest goes: Begin",
        ["LoginTokens._order"] = "1,000 tokens, the oldest goes: Issue",
        ["LoginTokens._tokens"] = "likewise",
        ["SharedSecretRegistration._nonces"] = "1,000 nonces, the oldest goes: NewNonce",
        ["SharedSecretRegistration._order"] = "likewise",
        ["StateNodeCollector._marking"] = "four steps; beside them two bits for each state node, and only while a run lasts: StateNodeMarks",
        ["StorageBudget._thinned"] = "rooms of which messages were deleted, and only while a run of the budget lasts: DeleteReceiptsAsync",
        ["StorageBudget._rooms"] = "two numbers for each room of this server, and only while a run of the budget lasts: Begin",
        ["ToDeviceInboxes._clean"] = "16,384 devices, all go: AcknowledgeAsync",
        ["UserPresence._users"] = "8,192 users; who comes beyond is shown to nobody: Change",
        ["TypingUsers._rooms"] = "4,096 rooms; more is refused: Set",
        ["TypingUsers.RoomTyping.<Until>k__BackingField"] = "8,192 users in all; more is refused: Set",

        ["ThirdPartyNetworks._protocols"] = "as many as the registrations of application services name: ProtocolAsync",
        ["RoomCompletion._rooms"] = "rooms that users of this server came into, and whose members are being fetched",
        ["WholeRooms._waiting"] = "rooms that users of this server came into, and whose members are being fetched",
        ["RoomHealing._rooms"] = "rooms of this server in which events wait: 1,000 of each server that sent them, WaitingEventTable",
        ["ExtremityExchange._meetings"] = "256 servers; who comes beyond is not asked: Met",
        ["ExtremityExchange._wanted"] = "256 rooms, of each what 4 servers named, 20 ids each; what is named beyond is named again: Want",
        ["SharedLookup._entries"] = "2,000 answers, those go that hold the shortest: MakeRoom",
        ["MovedCursors._moved"] = "servers that acknowledged something in the last second, and while the disk takes no writes those in rooms of this server",
        ["Outbox._destinations"] = "servers that something is being told, and 256 others; then those go that there is nothing for: Find",
        ["TurnsByName._underWay"] = "requests to other servers that somebody waits for",

        ["DeviceListFetcher._flights"] = "1,000 users; of more no list is fetched: FetchAsync",
        ["DeviceListResync._running"] = "8 servers; others wait: Wake",
        ["DeviceListResync._waiting"] = "1,000 servers; those beyond are found by upkeep: Wake",
        ["RemoteMedia._underWay"] = "256 files; more is refused: FetchOnce",
        ["UrlPreviews._underWay"] = "64 previews; more is refused: MakeOnce",

        // Made when the server starts, and the same ever after.
        ["AppServiceClient._clients"] = "the application services that are configured",
        ["AppServiceDelivery._outboxes"] = "likewise",
        ["OwnKeys._keys"] = "the keys that this server ever signed with",
        ["MemoryBudget._shares"] = "the parts of the server",
        ["UpkeepWorker._jobs"] = "the jobs of the server",
        ["RedactionRules._content"] = "the rules of a room version",
        ["RedactionRules._signed"] = "likewise",
        ["RedactionRules._topLevel"] = "likewise",
        ["RedactionRules._whole"] = "likewise",
    };

    [Fact]
    public async Task Whatever_gathers_things_is_bounded()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with
        {
            Registration = options.Registration with { SharedSecret = "secret" },
            AppServices = AppServices.BridgedServer.Registered(
                "id: a\nurl: http://127.0.0.1:9\nas_token: a\nhs_token: h\nsender_localpart: bot\nnamespaces: {users: [{regex: '@_a(b|c)', exclusive: true}]}\n"),
        });
        var alice = await server.RegisterAsync("alice");
        var room = await alice.CreateRoomAsync();
        await (await server.RegisterAsync("bob")).PostAsync($"/_matrix/client/v3/join/{room}", "{}");
        await alice.SendTextAsync(room, "hello", "1");
        await alice.PutAsync($"/_matrix/client/v3/rooms/{room}/typing/{alice.UserId}", """{"typing":true}""");
        await server.GetAsync("/_synapse/admin/v1/register");
        var filter = """{"room":{"state":{"lazy_load_members":true},"rooms":["!none:test"]}}""";
        var id = (await alice.PostAsync($"/_matrix/client/v3/user/{alice.UserId}/filter", filter))["filter_id"].GetString();
        await alice.GetAsync($"/_matrix/client/v3/sync?filter={id}");
        await alice.GetAsync("""/_matrix/client/v3/sync?filter={"room":{"state":{"lazy_load_members":true}}}""");

        var found = ObjectGraph.Gatherers(HomeserverOf(server));

        Assert.Equal([], found.Except(_bounds.Keys));
        Assert.Equal([], _bounds.Keys.Except(found));
    }

    private static Homeserver HomeserverOf(TestHomeserver server) => (Homeserver)typeof(TestHomeserver)
        .GetField("_homeserver", BindingFlags.Instance | BindingFlags.NonPublic)!
        .GetValue(server)!;
}
