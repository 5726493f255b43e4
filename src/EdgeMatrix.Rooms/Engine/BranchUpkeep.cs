using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>
/// Joins the branches of rooms in which there are many, as whatever a user here said would; where nobody says anything, each event that comes has the
/// states of all of them to resolve.
/// </summary>
/// <remarks>
/// The event is that of Synapse: it says nothing, no client sees it, and no server is sent it: who needs it asks for it, by the event that follows
/// it, or by the forward extremities that servers tell each other, which spares it an event of its own. If all servers in a room sent one each, they
/// would make as many branches anew.
/// </remarks>
public sealed class BranchUpkeep(RoomEngine engine)
{
    /// <summary>The type of events that only join branches.</summary>
    public const string DummyType = "org.matrix.dummy_event";

    private const int MostSenders = 5;

    private static readonly JsonElement _nothing = JsonElement.Parse("{}"u8);

    private long _after;

    /// <summary>Sees to the next room.</summary>
    /// <returns>Whether there may be more.</returns>
    public async Task<bool> SliceAsync(CancellationToken cancellation)
    {
        RoomRow? row;
        List<string> members = [];
        using (var snapshot = engine.Database.OpenSnapshot())
        {
            row = RoomTable.WithManyBranches(snapshot, _after);
            _after = row?.Nid ?? 0;
            if (row is not null && engine.Find(snapshot, row) is { } known)
            {
                members.AddRange(known.LocalMembers().Take(MostSenders).Select(user => UserTable.Name(snapshot, user)).OfType<string>());
            }
        }

        if (row is null)
        {
            return false;
        }

        foreach (var member in members)
        {
            // Who may not speak does not.
            if (engine.Find(row.RoomId) is { } room
                && (await engine.SendAsync(room, new EventDraft(DummyType, null, member, _nothing), null, cancellation)).Refusal is null)
            {
                break;
            }
        }

        return true;
    }
}
