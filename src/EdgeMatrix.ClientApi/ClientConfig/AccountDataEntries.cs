using EdgeMatrix.Accounts;
using EdgeMatrix.Rooms.Engine;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.ClientConfig;

/// <summary>The requester's account data.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#client-config</remarks>
internal static class AccountDataEntries
{
    private const int MaxTypeLength = 255;

    /// <summary><c>GET /_matrix/client/v3/user/{userId}/account_data/{type}</c></summary>
    public static IResult GetGlobal(string userId, string type, Requester requester, AccountData accountData) =>
        Own.Refuse(userId, requester)
        ?? Answer(accountData.FindGlobal(requester.UserNid, type));

    /// <summary><c>PUT /_matrix/client/v3/user/{userId}/account_data/{type}</c></summary>
    public static async Task<IResult> SetGlobal(
        string userId, string type, HttpRequest request, Requester requester, AccountData accountData)
    {
        var (content, error) = await request.ReadObjectAsync();
        if ((error ?? Own.Refuse(userId, requester) ?? RefuseType(type)) is { } refused)
        {
            return refused;
        }

        await accountData.SetGlobalAsync(requester.UserNid, type, content);
        return JsonText.Empty;
    }

    /// <summary><c>GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}</c></summary>
    public static IResult GetOfRoom(
        string userId, string roomId, string type, Requester requester, AccountData accountData, RoomEngine engine)
    {
        var (room, refused) = Own.Room(userId, roomId, requester, engine);
        return refused ?? Answer(accountData.FindRoom(requester.UserNid, room, type));
    }

    /// <summary><c>PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}</c></summary>
    public static async Task<IResult> SetOfRoom(
        string userId, string roomId, string type, HttpRequest request, Requester requester, AccountData accountData, RoomEngine engine)
    {
        var (content, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (room, refused) = Own.Room(userId, roomId, requester, engine);
        if ((refused ?? RefuseType(type)) is { } wrong)
        {
            return wrong;
        }

        await accountData.SetRoomAsync(requester.UserNid, room, type, content);
        return JsonText.Empty;
    }

    private static IResult Answer(byte[]? content) =>
        content is null ? MatrixError.NotFound("There is no account data of that type") : new JsonText(content);

    // "This type of account data is controlled by the server; it cannot be modified by clients."
    private static MatrixError? RefuseType(string type) => type switch
    {
        "m.fully_read" => new MatrixError(405, "M_BAD_JSON", "m.fully_read is set by /rooms/{roomId}/read_markers"),
        "m.push_rules" => new MatrixError(405, "M_BAD_JSON", "m.push_rules is set by /pushrules"),
        { Length: > MaxTypeLength } => MatrixError.InvalidParam($"The type has more than {MaxTypeLength} characters"),
        _ => null,
    };
}
