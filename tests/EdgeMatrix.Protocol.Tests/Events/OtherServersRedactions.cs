using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Events;

/// <summary>What redaction leaves of events elsewhere: see the README of the fixtures.</summary>
public sealed class OtherServersRedactions
{
    private static readonly JsonElement Fixtures = JsonElement.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Events", "Fixtures", "synapse-redactions.json")));

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (var fixture in Fixtures.EnumerateObject())
            {
                foreach (var version in TestRoom.VersionsOf(fixture.Value.GetProperty("versions").GetString()!))
                {
                    cases.Add(fixture.Name, version);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Redaction_leaves_what_it_leaves_elsewhere(string name, string versionId)
    {
        var fixture = Fixtures.GetProperty(name);
        var version = Versions.Find(versionId)!;

        var redacted = Redaction.Redact(fixture.GetProperty("event"), version);

        Assert.Equal(TestRoom.Text(CanonicalJson.Write(fixture.GetProperty("redacted"))), TestRoom.Text(redacted));
    }
}
