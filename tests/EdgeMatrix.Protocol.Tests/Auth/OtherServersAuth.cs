using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Auth;

/// <summary>What the tests of other servers say of events, in every room version they say it of: see the README of the fixtures.</summary>
public sealed class OtherServersAuth
{
    private static readonly AuthFixtures Fixtures = AuthFixtures.Read();

    public static TheoryData<string, string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string, string>();
            foreach (var found in Fixtures.All)
            {
                foreach (var version in found.Versions)
                {
                    cases.Add(found.Source, found.Name, version);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void An_event_is_judged_as_elsewhere_or_as_the_specification_says(string source, string name, string versionId)
    {
        var found = Fixtures.Find(source, name);
        var room = new FixtureRoom(found, versionId);
        var (candidate, refusal) = room.Candidate();

        if (candidate is not null)
        {
            // What an event needs of the state decides as all of the state does.
            var authEvents = room.AuthEventsOf(candidate);
            var byState = EventAuth.CheckAgainstState(candidate, room.State);
            Assert.Equal(byState, EventAuth.CheckAgainstState(candidate, room.Only(authEvents)));
            refusal = byState.Refusal ?? EventAuth.CheckAuthEvents(candidate, authEvents).Refusal;
        }

        if (found.Allowed)
        {
            Assert.Null(refusal);
        }
        else
        {
            Assert.NotNull(refusal);
        }
    }
}
