using System.Text.Json;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Members;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>Has users of this server knock on rooms, with the help of servers that are in them where this one is not.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#knocking-rooms</remarks>
public sealed class RemoteKnocks(FederationClient client, RoomEngine engine, RoomMembers members)
{
    private static readonly TimeSpan _timeOfAll = TimeSpan.FromMinutes(2);

    private readonly RoomHandshake _handshake = new(client, engine.Server, engine.Time);

    /// <returns>The id of the knock; empty if the user had knocked. Who gives up waiting for it does not undo it.</returns>
    public async Task<Outcome<string>> KnockAsync(WantedEntry wanted, CancellationToken cancellation) =>
        engine.FindInside(wanted.RoomId) is { } room
            ? await members.KnockAsync(room, wanted.UserId, wanted.Reason, cancellation)
            : await KnockFromOutsideAsync(wanted).WaitAsync(cancellation);

    private async Task<Outcome<string>> KnockFromOutsideAsync(WantedEntry wanted)
    {
        using var limit = new CancellationTokenSource(_timeOfAll, engine.Time);
        var failures = new HandshakeFailures();
        try
        {
            foreach (var resident in wanted.Residents)
            {
                if (await KnockByAsync(resident, wanted, failures, limit.Token) is { } knocked)
                {
                    return knocked;
                }

                if (failures.IsFinal)
                {
                    break;
                }
            }

            return failures.Told("No server is known that is in the room");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return new Refusal(RefusalKind.NoAnswer, "No server that is in the room answered in time");
        }
    }

    private async Task<Outcome<string>?> KnockByAsync(string resident, WantedEntry wanted, HandshakeFailures failures, CancellationToken cancellation)
    {
        var knock = await _handshake.MakeAsync(
            resident,
            "knock",
            wanted.RoomId,
            wanted.UserId,
            (_, _) => members.ContentOf("knock", wanted.UserId, wanted.Reason),
            failures,
            cancellation);
        if (knock is null)
        {
            return null;
        }

        var answer = await client.SendAsync(RoomHandshake.Sending(resident, "v1/send_knock", knock), cancellation);
        if (answer.Json is not { } json)
        {
            failures.Add(answer.Failure!);
            return null;
        }

        var told = json.TryGetProperty("knock_room_state"u8, out var state) && state.ValueKind == JsonValueKind.Array ? state.EnumerateArray() : default;
        return await engine.NoteOutsideAsync(knock, StrippedState.Strip(told)) is { } refusal
            ? (Outcome<string>)refusal
            : (Outcome<string>)knock.EventId;
    }
}
