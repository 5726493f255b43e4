using System.Text.Json;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>Has users of this server reject invites, and take back knocks, where the server is not in the room.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites</remarks>
public sealed class RemoteLeaves(FederationClient client, RoomEngine engine)
{
    private const int MaxResidents = 5;
    private static readonly TimeSpan _timeOfAll = TimeSpan.FromMinutes(1);

    private readonly RoomHandshake _handshake = new(client, engine.Server, engine.Time);

    /// <summary>Makes the leave, and has a server that is in the room take it. Where none does, the user is out of it all the same.</summary>
    /// <returns>The leave, as it is to be noted here.</returns>
    public async Task<Outcome<Pdu>> LeaveAsync(Room room, string userId, string? reason, CancellationToken cancellation)
    {
        if (Find(room, userId) is not var (member, residents))
        {
            return Refusal.Forbidden("You are not in the room");
        }

        var content = JsonContent.Object(json =>
        {
            json.WriteString("membership", "leave");
            if (reason is not null)
            {
                json.WriteString("reason", reason);
            }
        });
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var timer = engine.Time.CreateTimer(_ => limit.Cancel(), null, _timeOfAll, Timeout.InfiniteTimeSpan);
        try
        {
            foreach (var resident in residents)
            {
                if (await LeaveByAsync(resident, room.Id, userId, content, limit.Token) is { } leave)
                {
                    return leave;
                }
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // None answered in time.
        }

        return OwnLeave(room, userId, member, content);
    }

    private async Task<Pdu?> LeaveByAsync(string resident, string roomId, string userId, JsonElement content, CancellationToken cancellation)
    {
        var leave = await _handshake.MakeAsync(resident, "leave", roomId, userId, (_, _) => content, new HandshakeFailures(), cancellation);
        return leave is not null && (await client.SendAsync(RoomHandshake.Sending(resident, "v2/send_leave", leave), cancellation)).Json is not null
            ? leave
            : null;
    }

    /// <summary>A leave that no other server has taken: it follows the invite or the knock.</summary>
    private Outcome<Pdu> OwnLeave(Room room, string userId, Pdu member, JsonElement content)
    {
        var built = EventBuilder.Build(
            new EventDraft(EventTypes.Member, userId, userId, content),
            room.Version,
            room.Id,
            new EventLinks([EventReference.To(member)], [EventReference.To(member)], EventLinks.NextDepth(member.Depth, room.Version)),
            engine.Time.GetUtcNow().ToUnixTimeMilliseconds(),
            engine.Server.Key,
            engine.Server.Name);
        return built.Event is { } leave ? leave : new Refusal(RefusalKind.BadJson, built.Refusal!);
    }

    /// <summary>The invite or knock, and the servers that are likely to be in the room: those of whoever invited, and of whoever made it what it is.</summary>
    private (Pdu Member, List<string> Residents)? Find(Room room, string userId)
    {
        using var db = engine.Database.OpenSnapshot();
        if (UserTable.Find(db, userId) is not { } user
            || MembershipTable.Find(db, room.Nid, user) is not { } row
            || EventTable.Find(db, row.Event) is not { } stored)
        {
            return null;
        }

        var member = stored.Parse(room.Version);
        IEnumerable<string> residents = [ServerOf(member.Sender), .. ToldBy(db, stored.Nid), .. RoomServerTable.InRoom(db, room.Nid)];
        return (member, [.. residents.Where(name => name.Length > 0 && name != engine.Server.Name).Distinct().Take(MaxResidents)]);
    }

    private static IEnumerable<string> ToldBy(Session db, long member) =>
        ToldStateTable.Find(db, member) is { } told
            ? JsonElement.Parse(told).EnumerateArray().Select(stripped => ServerOf(JsonContent.Text(stripped, "sender") ?? ""))
            : [];

    private static string ServerOf(string userId) => UserId.TryParse(userId, out var user) ? user.ServerName : "";
}
