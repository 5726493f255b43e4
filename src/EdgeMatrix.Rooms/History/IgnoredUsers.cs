using System.Text.Json;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Rooms.History;

/// <summary>The users whom a user ignores: the <c>m.ignored_user_list</c> of the account data.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#ignoring-users</remarks>
public static class IgnoredUsers
{
    public static HashSet<string> Read(Session db, long user)
    {
        if (AccountDataTable.Find(db, user, AccountDataTable.Global, "m.ignored_user_list") is not { } content)
        {
            return [];
        }

        // Clients write the content as they like.
        var list = JsonElement.Parse(content);
        return list.ValueKind == JsonValueKind.Object
            && FilterJson.Member(list, "ignored_users") is { ValueKind: JsonValueKind.Object } ignored
                ? [.. ignored.EnumerateObject().Select(user => user.Name)]
                : [];
    }
}
