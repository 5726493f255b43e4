using System.Text.Json;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

/// <summary>Alice and Bob in a room, sending events that relate to each other.</summary>
internal sealed class RelationFixture : IAsyncDisposable
{
    private int _sent;

    private RelationFixture(TestHomeserver server, TestSession alice, TestSession bob, string room)
    {
        Server = server;
        Alice = alice;
        Bob = bob;
        Room = room;
    }

    public TestHomeserver Server { get; }

    public TestSession Alice { get; }

    public TestSession Bob { get; }

    public string Room { get; }

    public string Path => $"/_matrix/client/v3/rooms/{Room}";

    public string V1Path => $"/_matrix/client/v1/rooms/{Room}";

    public static async Task<RelationFixture> StartAsync()
    {
        var server = await TestHomeserver.StartAsync();
        var (alice, bob) = (await server.RegisterAsync("alice"), await server.RegisterAsync("bob"));
        var room = await alice.CreateRoomAsync();
        await bob.PostAsync($"/_matrix/client/v3/rooms/{room}/join", "{}");
        return new RelationFixture(server, alice, bob, room);
    }

    /// <summary>Sends a text, a millisecond after the event before.</summary>
    public Task<string> SendAsync(TestSession sender, string text)
    {
        Server.Time.Advance(TimeSpan.FromMilliseconds(1));
        return sender.SendTextAsync(Room, text, $"text{_sent++}");
    }

    public async Task<string> RelateAsync(
        TestSession sender, string relType, string parent, string more = "", string inRelation = "", string type = "m.room.message")
    {
        var answer = await TryRelateAsync(sender, relType, parent, more, inRelation, type);
        Assert.Equal((200, null), answer.Error);
        return answer["event_id"].GetString()!;
    }

    public Task<TestAnswer> TryRelateAsync(
        TestSession sender, string relType, string parent, string more = "", string inRelation = "", string type = "m.room.message")
    {
        Server.Time.Advance(TimeSpan.FromMilliseconds(1));
        return sender.PutAsync($"{Path}/send/{type}/related{_sent++}", $$$"""
            {"body":"x"{{{more}}},"m.relates_to":{"rel_type":"{{{relType}}}","event_id":"{{{parent}}}"{{{inRelation}}}}}
            """);
    }

    public Task<string> EditAsync(TestSession sender, string original, string text) =>
        RelateAsync(sender, "m.replace", original, $$""","m.new_content":{"body":"{{text}}"}""");

    public Task<string> ReplyAsync(TestSession sender, string root) => RelateAsync(sender, "m.thread", root);

    public async Task RedactAsync(TestSession sender, string eventId) =>
        Assert.Equal((200, null), (await sender.PutAsync($"{Path}/redact/{eventId}/redact{_sent++}", "{}")).Error);

    public static async Task IgnoreAsync(TestSession who, string whom) => await who.PutAsync(
        $"/_matrix/client/v3/user/{who.UserId}/account_data/m.ignored_user_list", $$$$"""{"ignored_users":{"{{{{whom}}}}":{}}}""");

    /// <summary>The <c>m.relations</c> of an event as a user is told it; null if it has none.</summary>
    public async Task<JsonElement?> BundleAsync(TestSession asker, string eventId) =>
        BundleOf((await asker.GetAsync($"{Path}/event/{eventId}")).Json);

    public static JsonElement? BundleOf(JsonElement e) =>
        e.GetProperty("unsigned").TryGetProperty("m.relations", out var relations) ? relations : null;

    public static List<string> Ids(TestAnswer answer, string list = "chunk") =>
        [.. answer[list].EnumerateArray().Select(e => e.GetProperty("event_id").GetString()!)];

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
