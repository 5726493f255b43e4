using System.Text.Json;
using EdgeMatrix.ClientApi.ThirdPartyIdentifiers;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>E-mail addresses and phone numbers of users.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html#find-a-user-based-on-their-third-party-id</remarks>
internal static class ThreePidAdmin
{
    private const int MaxOfUser = 50;

    /// <summary><c>GET /_synapse/admin/v1/threepid/{medium}/users/{address}</c></summary>
    public static IResult FindUser(string medium, string address, Database database)
    {
        using var db = database.OpenSnapshot();
        return ThreePidJson.Canonical(medium, address) is { } canonical
            && ThreePidTable.Find(db, medium, canonical) is { } found
            && UserTable.Name(db, found.User) is { } userId
            ? JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("user_id"u8, userId);
                json.WriteEndObject();
            })
            : MatrixError.NotFound("User not found");
    }

    /// <summary>The <c>threepids</c> of a body: all that the user is to have.</summary>
    /// <returns>Null if the body has none.</returns>
    public static (List<(string Medium, string Address)>? Wanted, MatrixError? Error) Read(JsonElement body)
    {
        if (!body.TryGetProperty("threepids"u8, out var given))
        {
            return (null, null);
        }

        if (given.ValueKind != JsonValueKind.Array || given.GetArrayLength() > MaxOfUser)
        {
            return (null, MatrixError.InvalidParam($"threepids is no list of at most {MaxOfUser}"));
        }

        var wanted = new List<(string, string)>();
        foreach (var one in given.EnumerateArray())
        {
            if (JsonContent.Text(one, "medium") is not { } medium || JsonContent.Text(one, "address") is not { } address
                || ThreePidJson.Canonical(medium, address) is not { } canonical)
            {
                return (null, MatrixError.InvalidParam("each of threepids has a medium, email or msisdn, and an address of it"));
            }

            wanted.Add((medium, canonical));
        }

        return (wanted, null);
    }
}
