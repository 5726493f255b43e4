using System.Text.Json;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Checks;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Notifications;

/// <summary>Stories made at random, after each step of which everybody's counts are those of the <see cref="UnreadModel"/>.</summary>
public sealed class UnreadStoryTests : IAsyncLifetime
{
    private const string V3 = "/_matrix/client/v3";
    private const string Apart = """{"room":{"timeline":{"limit":1,"unread_thread_notifications":true}}}""";
    private const string Together = """{"room":{"timeline":{"limit":1}}}""";
    private const int Steps = 150;

    private readonly UnreadModel _model = new();
    private readonly List<TestSession> _people = [];
    private readonly List<(string Event, string Sender)> _messages = [];
    private TestHomeserver _server = null!;
    private string _room = null!;
    private Random _random = null!;
    private int _transactions;

    public async ValueTask InitializeAsync()
    {
        _server = await TestHomeserver.StartAsync();
        foreach (var name in (string[])["alice", "bob", "carol", "dora"])
        {
            _people.Add(await _server.RegisterAsync(name));
        }

        _room = await _people[0].CreateRoomAsync();
        _model.Joined.Add(_people[0].UserId);
        foreach (var other in _people.Skip(1))
        {
            await MoveAsync(other);
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Counts_are_those_of_a_recount_after_every_step(int seed)
    {
        _random = new Random(seed);
        await SayAsync(_people[0]);
        for (var step = 0; step < Steps; step++)
        {
            var who = _people[_random.Next(_people.Count)];
            var what = _random.Next(100);
            await (what < 8 && who != _people[0] ? MoveAsync(who)
                : !_model.Joined.Contains(who.UserId) ? MoveAsync(who)
                : what < 55 ? SayAsync(who)
                : what < 90 ? ReadAsync(who)
                : RedactAsync());
            await CompareAsync($"seed {seed}, step {step}");
        }

        foreach (var person in _people)
        {
            Assert.Equal(_model.Listed(person.UserId, false), await ListAsync(person, ""));
            Assert.Equal(_model.Listed(person.UserId, true), await ListAsync(person, "&only=highlight"));
        }
    }

    private async Task MoveAsync(TestSession who)
    {
        var joins = !_model.Joined.Contains(who.UserId);
        await who.PostAsync($"{V3}/rooms/{_room}/{(joins ? "join" : "leave")}", "{}");
        _model.Moved(who.UserId, joins);
    }

    private async Task SayAsync(TestSession who)
    {
        var thread = _model.Roots.Count == 0 || _random.Next(3) == 0 ? "main" : _model.Roots[_random.Next(_model.Roots.Count)];
        var relation = thread == "main" ? "" : $$$""","m.relates_to":{"rel_type":"m.thread","event_id":"{{{thread}}}"}""";
        var isNotice = _random.Next(8) == 0;
        var mentioned = !isNotice && _random.Next(4) == 0 ? _people[_random.Next(_people.Count)].UserId : null;
        var mentions = mentioned is null ? "{}" : $$"""{"user_ids":["{{mentioned}}"]}""";
        var said = await who.PutAsync(
            $"{V3}/rooms/{_room}/send/m.room.message/t{_transactions++}",
            $$"""{"msgtype":"{{(isNotice ? "m.notice" : "m.text")}}","body":"hello","m.mentions":{{mentions}}{{relation}}}""");
        var id = said["event_id"].GetString()!;
        _model.Said(who.UserId, id, thread, !isNotice, mentioned);
        _messages.Add((id, who.UserId));
        if (thread == "main" && _model.Roots.Count < 5)
        {
            _model.Roots.Add(id);
        }
    }

    private async Task ReadAsync(TestSession who)
    {
        // Mostly near the end, as people read.
        var at = _messages[Math.Max(0, _messages.Count - 1 - (_random.Next(2) == 0 ? 0 : _random.Next(20)))].Event;
        var thread = _random.Next(3) switch { 0 => "", 1 => "main", _ => _model.Roots[_random.Next(_model.Roots.Count)] };
        var type = _random.Next(2) == 0 ? "m.read" : "m.read.private";
        var body = thread.Length == 0 ? "{}" : $$"""{"thread_id":"{{thread}}"}""";
        Assert.Equal(200, (int)(await who.PostAsync($"{V3}/rooms/{_room}/receipt/{type}/{at}", body)).Status);
        _model.Receipt(who.UserId, type, thread, at);
    }

    private async Task RedactAsync()
    {
        // Of the creator, who may.
        var (target, _) = _messages[_random.Next(_messages.Count)];
        var redaction = await _people[0].PutAsync($"{V3}/rooms/{_room}/redact/{target}/t{_transactions++}", "{}");
        _model.Redacted(target);
        _model.Said(_people[0].UserId, redaction["event_id"].GetString()!, "main", notifies: false, mentioned: null);
    }

    private async Task CompareAsync(string when)
    {
        foreach (var person in _people.Where(person => _model.Joined.Contains(person.UserId)))
        {
            var expected = _model.Unread(person.UserId);
            var apart = await RoomOfSyncAsync(person, Apart);
            var found = new SortedDictionary<string, (int, int)>(StringComparer.Ordinal) { ["main"] = Counts(apart.GetProperty("unread_notifications")) };
            foreach (var thread in apart.GetProperty("unread_thread_notifications").EnumerateObject())
            {
                found[thread.Name] = Counts(thread.Value);
            }

            Assert.True(expected.SequenceEqual(found), $"{when}, {person.UserId}: expected {Text(expected)}, found {Text(found)}");
            var all = (expected.Values.Sum(count => count.Notifications), expected.Values.Sum(count => count.Highlights));
            Assert.Equal(all, Counts((await RoomOfSyncAsync(person, Together)).GetProperty("unread_notifications")));
        }

        using var snapshot = _server.Part<Database>().OpenSnapshot();
        Assert.Empty(NotificationChecks.Findings(snapshot));

        static string Text(SortedDictionary<string, (int, int)> counts) => string.Join("; ", counts);
    }

    private async Task<JsonElement> RoomOfSyncAsync(TestSession person, string filter) =>
        (await person.GetAsync($"{V3}/sync?filter={Uri.EscapeDataString(filter)}"))["rooms"].GetProperty("join").GetProperty(_room);

    private static async Task<List<(string Event, bool Read)>> ListAsync(TestSession person, string only)
    {
        var listed = new List<(string, bool)>();
        for (var from = ""; ;)
        {
            var page = await person.GetAsync($"{V3}/notifications?limit=7{only}{from}");
            listed.AddRange(page["notifications"].EnumerateArray().Select(
                one => (one.GetProperty("event").GetProperty("event_id").GetString()!, one.GetProperty("read").GetBoolean())));
            if (!page.Json.TryGetProperty("next_token", out var next))
            {
                return listed;
            }

            from = $"&from={next.GetString()}";
        }
    }

    private static (int Notifications, int Highlights) Counts(JsonElement counts) =>
        (counts.GetProperty("notification_count").GetInt32(), counts.GetProperty("highlight_count").GetInt32());
}
