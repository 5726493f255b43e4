using System.Globalization;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests;

/// <summary>A room whose state a test writes down: made by @alice:test, who has joined it, and nothing else.</summary>
internal sealed class TestRoom
{
    public const string Alice = "@alice:test";
    public const string Bob = "@bob:test";
    public const string Carol = "@carol:test";

    public const string SomeEventId = "$GbmCrCoS6hg7-rHjhc-kTlcVaHN8T34OUcQTlThoGh0";

    private const string SomeHash = "GbmCrCoS6hg7+rHjhc+kTlcVaHN8T34OUcQTlThoGh0";

    private readonly Dictionary<(string Type, string StateKey), Pdu> _state = [];
    private string _roomId = "!room:test";
    private long _clock = 1_000;

    public TestRoom(RoomVersion version, string createContent = """{"creator":"@alice:test"}""", string creator = Alice)
    {
        Version = version;
        Create = Event(EventTypes.Create, "", creator, createContent, prevEvents: []);
        _roomId = Create.RoomId;
        _state[(EventTypes.Create, "")] = Create;
        StateEvents.Add(Create);
        Member(creator, "join");
    }

    public static TheoryData<string> VersionIds => [.. Versions.All.Select(static version => version.Id)];

    public RoomVersion Version { get; }

    public Pdu Create { get; }

    public StateLookup State => (type, stateKey) => _state.GetValueOrDefault((type, stateKey));

    /// <summary>All that was ever in the state.</summary>
    public List<Pdu> StateEvents { get; } = [];

    public static SigningKey Key() => SigningKey.FromSeed("test", new byte[SigningKey.SeedBytes]);

    public Pdu Event(
        string type,
        string? stateKey,
        string sender,
        string content,
        IReadOnlyList<string>? prevEvents = null,
        IReadOnlyList<string>? authEvents = null,
        string? redacts = null)
    {
        var built = TryEvent(type, stateKey, sender, content, prevEvents, authEvents, redacts);
        Assert.Null(built.Refusal);
        return built.Event!;
    }

    public PduParse TryEvent(
        string type,
        string? stateKey,
        string sender,
        string content,
        IReadOnlyList<string>? prevEvents = null,
        IReadOnlyList<string>? authEvents = null,
        string? redacts = null)
    {
        using var key = Key();
        EventReference Cite(string id) => new(id, Version.EventIdFormat == EventIdFormat.Chosen ? SomeHash : null);
        var hasStateDag = Version.StateSource == StateSource.PrevStateEvents;
        EventReference[] authority = [.. (authEvents ?? []).Select(Cite)];
        var links = new EventLinks([.. (prevEvents ?? [SomeEventId]).Select(Cite)], hasStateDag ? [] : authority, Depth: 1)
        {
            PrevStateEvents = hasStateDag ? authority : null,
        };
        var draft = new EventDraft(type, stateKey, sender, JsonElement.Parse(content), redacts);
        return EventBuilder.Build(draft, Version, _roomId, links, ++_clock, key, "test");
    }

    public Pdu Set(string type, string stateKey, string sender, string content)
    {
        var set = Event(type, stateKey, sender, content);
        StateEvents.Add(set);
        _state[(type, stateKey)] = set;
        return set;
    }

    /// <summary>Sets a membership; "leave" of nobody is null.</summary>
    public TestRoom Member(string userId, string? membership)
    {
        if (membership is not null)
        {
            Set(EventTypes.Member, userId, userId, $$"""{"membership":"{{membership}}"}""");
        }

        return this;
    }

    public TestRoom JoinRule(string? joinRule)
    {
        if (joinRule is not null)
        {
            Set(EventTypes.JoinRules, "", Alice, $$"""{"join_rule":"{{joinRule}}"}""");
        }

        return this;
    }

    public TestRoom PowerLevels(string content)
    {
        Set(EventTypes.PowerLevels, "", Alice, content);
        return this;
    }

    public string? Check(Pdu candidate) => EventAuth.CheckAgainstState(candidate, State).Refusal;

    /// <summary>Asserts the verdict: allowed if no words are expected, else refused with those words in the refusal.</summary>
    public void Expect(string? refusal, Pdu candidate)
    {
        var verdict = EventAuth.CheckAgainstState(candidate, State);
        if (refusal is null)
        {
            Assert.Null(verdict.Refusal);
            Assert.True(verdict.Allowed);
        }
        else
        {
            Assert.Contains(refusal, verdict.Refusal ?? "allowed", StringComparison.Ordinal);
        }
    }

    /// <summary>As <see cref="Expect"/>, with another outcome in the versions before one: both sides of the boundary.</summary>
    public void ExpectSince(int since, string? refusal, string? before, Pdu candidate) =>
        Expect(IsSince(since) ? refusal : before, candidate);

    public bool IsSince(int version) => int.Parse(Version.Id, CultureInfo.InvariantCulture) >= version;

    /// <summary>Runs a test in a room of each version.</summary>
    public static void EachVersion(Action<TestRoom> test)
    {
        foreach (var version in Versions.All)
        {
            test(new TestRoom(version));
        }
    }

    /// <summary>The ids of a version, <c>6</c>, or of versions that follow each other, <c>6-12</c>.</summary>
    public static IReadOnlyList<string> VersionsOf(string range)
    {
        var ends = range.Split('-');
        var ids = Versions.All.Select(static version => version.Id).ToList();
        return ids[ids.IndexOf(ends[0])..(ids.IndexOf(ends[^1]) + 1)];
    }

    public static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);
}
