using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Encryption;

/// <summary>Whose devices changed between two syncs.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user</remarks>
internal static class KeyChanges
{
    /// <summary><c>GET /_matrix/client/v3/keys/changes</c></summary>
    public static IResult Get(HttpRequest request, Requester requester, SyncEngine sync)
    {
        var (from, fromError) = Read(request, "from", sync);
        var (to, toError) = Read(request, "to", sync);
        if ((fromError ?? toError) is { } error)
        {
            return error;
        }

        var lists = sync.DeviceLists(requester.UserNid, requester.UserId, requester.DeviceNid, from, to);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            lists.WriteLists(json);
            json.WriteEndObject();
        });
    }

    private static (SyncToken Token, MatrixError? Error) Read(HttpRequest request, string name, SyncEngine sync)
    {
        var (text, error) = request.QueryRequired(name);
        if (error is not null)
        {
            return (default, error);
        }

        return SyncToken.TryParse(text, out var token) && sync.Knows(token)
            ? (token, null)
            : (default, MatrixError.InvalidParam($"{name} is not a next_batch of this server"));
    }
}
