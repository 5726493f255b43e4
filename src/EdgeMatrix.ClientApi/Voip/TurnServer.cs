using System.Security.Cryptography;
using System.Text;
using EdgeMatrix.Rooms.Engine;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Voip;

/// <summary>The TURN servers of this homeserver.</summary>
/// <param name="Uris">As <c>turn:turn.example.org?transport=udp</c>; none: there is none.</param>
/// <param name="SharedSecret">The secret that the TURN servers know too.</param>
/// <param name="Lifetime">How long credentials are good.</param>
public sealed record TurnOptions(IReadOnlyList<string> Uris, string? SharedSecret, TimeSpan Lifetime);

/// <summary>Help with calls: credentials for a TURN server, made of a secret that it shares, so that it need not be asked.</summary>
/// <remarks>
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#voice-over-ip; the credentials are those of
/// https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00.
/// </remarks>
internal static class TurnServer
{
    /// <summary><c>GET /_matrix/client/v3/voip/turnServer</c>; MSC4166 names the answer of a server without one.</summary>
    public static IResult Get(Requester requester, TurnOptions turn, RoomEngine engine)
    {
        if (turn.SharedSecret is null || turn.Uris.Count == 0)
        {
            return MatrixError.NotFound("This server has no TURN server");
        }

        var expires = (engine.Time.GetUtcNow() + turn.Lifetime).ToUnixTimeSeconds();
        var username = $"{expires}:{requester.UserId}";
#pragma warning disable CA5350 // The hash is the one that TURN servers make.
        var password = HMACSHA1.HashData(Encoding.UTF8.GetBytes(turn.SharedSecret), Encoding.UTF8.GetBytes(username));
#pragma warning restore CA5350
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("username"u8, username);
            json.WriteBase64String("password"u8, password);
            json.WriteStartArray("uris"u8);
            foreach (var uri in turn.Uris)
            {
                json.WriteStringValue(uri);
            }

            json.WriteEndArray();
            json.WriteNumber("ttl"u8, (long)turn.Lifetime.TotalSeconds);
            json.WriteEndObject();
        });
    }
}
