using System.Runtime.InteropServices;
using System.Text.Json;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Policy;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>Signs events for rooms that have this server for their policy server.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#policy-servers</remarks>
internal static class PolicySign
{
    /// <summary><c>POST /_matrix/policy/v1/sign</c></summary>
    public static async Task<IResult> Sign(
        JsonElement content, string origin, RoomEngine engine, KeyRing keys, OwnPolicyServer policyServer, CancellationToken cancellation)
    {
        if (!policyServer.IsEnabled)
        {
            return MatrixError.Unrecognized();
        }

        // Rooms from version 12 on have no room_id in the event that makes them, which was here before there was a policy.
        if (JsonContent.Text(content, "room_id") is not { } roomId || engine.Find(roomId) is not { } room)
        {
            return MatrixError.NotFound("The room is not known here");
        }

        using (var snapshot = engine.Database.OpenSnapshot())
        {
            if (RoomTable.Find(snapshot, room.Nid) is { } row && ServerAccess.RefuseByAcl(snapshot, row, room.Version, origin) is { } denied)
            {
                return denied;
            }
        }

        var json = JsonMarshal.GetRawUtf8Value(content).ToArray();
        var parse = Pdu.Parse(json, room.Version);
        if (parse.Event is not { } candidate)
        {
            return MatrixError.BadJson(parse.Refusal!);
        }

        var verdict = ReceiptChecks.CheckAlone(json, room.Version, await keys.PrepareAsync(NeededKey.Of(candidate), cancellation));
        if (verdict.Event is null || verdict.Redacted)
        {
            return MatrixError.BadJson(verdict.Refusal ?? "the content hash is not that of the event");
        }

        var (signed, refusal) = policyServer.Sign(room, verdict.Event);
        return refusal is null
            ? JsonText.Write(writer => Write(writer, engine.Server.Name, signed!))
            : refusal.Kind == RefusalKind.Forbidden ? new MatrixError(400, "M_FORBIDDEN", refusal.Message) : MatrixError.From(refusal);
    }

    // "Only the Policy Server's signature is returned."
    private static void Write(Utf8JsonWriter json, string server, Pdu signed)
    {
        json.WriteStartObject();
        json.WriteStartObject(server);
        json.WriteString(
            PolicyServer.KeyId, JsonElement.Parse(signed.Json.Span).GetProperty("signatures"u8).GetProperty(server).GetProperty(PolicyServer.KeyId).GetString());
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
