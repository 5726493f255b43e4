using System.Text.Json;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Auth;

/// <summary>The files of <c>Auth/Fixtures</c>, whose README says what they hold.</summary>
internal sealed class AuthFixtures
{
    private readonly Dictionary<(string Source, string Name), AuthFixture> _all = [];

    public IEnumerable<AuthFixture> All => _all.Values;

    public static AuthFixtures Read()
    {
        var fixtures = new AuthFixtures();
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Auth", "Fixtures"), "*.json").Order(StringComparer.Ordinal))
        {
            foreach (var room in JsonElement.Parse(File.ReadAllText(file)).EnumerateArray())
            {
                fixtures.Add(Path.GetFileNameWithoutExtension(file), room);
            }
        }

        return fixtures;
    }

    public AuthFixture Find(string source, string name) => _all[(source, name)];

    private void Add(string source, JsonElement room)
    {
        var differs = Members(room, "differs").Select(static member => member.Name).ToHashSet();
        var events = Members(room, "allowed").Select(static member => (member, Allowed: true))
            .Concat(Members(room, "refused").Select(static member => (member, Allowed: false)));
        foreach (var (member, allowed) in events)
        {
            var name = $"{room.GetProperty("room").GetString()}: {member.Name}";
            var expected = differs.Remove(member.Name) ? !allowed : allowed;
            _all.Add((source, name), new(source, name, TestRoom.VersionsOf(room.GetProperty("versions").GetString()!), room, member.Value, expected));
        }

        Assert.Empty(differs);
    }

    private static List<JsonProperty> Members(JsonElement room, string name) =>
        room.TryGetProperty(name, out var members) ? [.. members.EnumerateObject()] : [];
}

/// <summary>One event and what it is to come to.</summary>
/// <param name="Allowed">As the specification has it: where the source differs, the fixture says so.</param>
internal sealed record AuthFixture(
    string Source, string Name, IReadOnlyList<string> Versions, JsonElement Room, JsonElement Event, bool Allowed);
