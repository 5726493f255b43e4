using System.Text.Json;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Rooms.Members;

/// <summary>Whether a user wants to be invited: <c>m.invite_permission_config</c> of the account data.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#invite-permission</remarks>
public static class InvitePermission
{
    private const string Type = "m.invite_permission_config";

    /// <summary>Whether a user of this server blocks all invites.</summary>
    public static bool Blocks(Session db, long user)
    {
        if (AccountDataTable.Find(db, user, AccountDataTable.Global, Type) is not { } content)
        {
            return false;
        }

        // Clients write the content as they like.
        var config = JsonElement.Parse(content);
        return config.ValueKind == JsonValueKind.Object && JsonContent.Text(config, "default_action") == "block";
    }

    /// <summary>The refusal of an invite; null if the user may be invited.</summary>
    public static Refusal? Check(Database database, string userId)
    {
        using var snapshot = database.OpenSnapshot();
        return UserTable.Find(snapshot, userId) is { } user && Blocks(snapshot, user)
            ? new Refusal(RefusalKind.InviteBlocked, $"{userId} does not want to be invited")
            : null;
    }
}
