using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>Has the policy server of a room sign an event, within a few seconds.</summary>
/// <returns>The event with the signature, which is right; or why there is none.</returns>
public delegate Task<Outcome<Pdu>> PolicySigner(Room room, PolicyServer policyServer, Pdu candidate, CancellationToken cancellation);

/// <summary>Has events that are to come into a room signed by the policy server that the room uses, if it uses one.</summary>
/// <param name="signer">Null where other servers are not talked to.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#policy-servers</remarks>
internal sealed class RoomPolicy(Database database, LocalServer server, PolicySigner? signer)
{
    /// <summary>The policy server that the room uses by a state of it.</summary>
    /// <param name="state">The node of the state.</param>
    public static PolicyServer? Of(Session db, Room room, LocalServer server, long state) => PolicyServer.Of(
        (type, stateKey) => RoomStateReader.Find(db, room.Version, state, type, stateKey), name => IsJoined(db, room, server, name));

    /// <summary>"All servers in that room MUST ask that Policy Server for a signature before sending an event."</summary>
    /// <param name="state">Of the room before the event.</param>
    /// <returns>The event as it is to be sent; or why it may not be.</returns>
    public async Task<Outcome<Pdu>> SignOwnAsync(Room room, StateLookup state, Pdu candidate, CancellationToken cancellation) =>
        signer is not null && PolicyServer.Of(state, name => IsJoined(room, name)) is { } policy && !policy.Recommends(candidate)
            ? await signer(room, policy, candidate, cancellation)
            : candidate;

    /// <summary>"If the Policy Server's signature is invalid or missing, the homeserver SHOULD ask for a new signature."</summary>
    /// <returns>The events, with the signatures that there are now.</returns>
    public async Task<IReadOnlyList<Pdu>> SignReceivedAsync(Room room, IReadOnlyList<Pdu> events, CancellationToken cancellation)
    {
        if (signer is null || Find(room) is not { } policy)
        {
            return events;
        }

        var (signed, answers) = (new List<Pdu>(events.Count), true);
        foreach (var pdu in events)
        {
            var outcome = answers && !policy.Recommends(pdu) ? await signer(room, policy, pdu, cancellation) : pdu;

            // One that does not answer is not asked about each event of many.
            answers &= outcome.Refusal is null or { Kind: RefusalKind.Relayed };
            signed.Add(outcome.Value ?? pdu);
        }

        return signed;
    }

    private PolicyServer? Find(Room room)
    {
        using var snapshot = database.OpenSnapshot();
        return RoomTable.Find(snapshot, room.Nid) is { } row ? Of(snapshot, room, server, row.State) : null;
    }

    private bool IsJoined(Room room, string name)
    {
        using var snapshot = database.OpenSnapshot();
        return IsJoined(snapshot, room, server, name);
    }

    private static bool IsJoined(Session db, Room room, LocalServer server, string name) =>
        name == server.Name ? room.LocalMembers().Length > 0 : RoomServerTable.IsIn(db, room.Nid, name);
}
