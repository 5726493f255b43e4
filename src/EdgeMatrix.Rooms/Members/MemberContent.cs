using System.Text.Json;
using EdgeMatrix.Storage;

namespace EdgeMatrix.Rooms.Members;

/// <summary>The content of <c>m.room.member</c> events, with the profile of whom they are about.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#mroommember</remarks>
internal static class MemberContent
{
    /// <summary>Not for whoever holds a snapshot: it takes one of its own.</summary>
    /// <param name="more">Writes further properties.</param>
    public static JsonElement Of(Database database, string membership, string userId, string? reason, Action<Utf8JsonWriter>? more)
    {
        using var snapshot = database.OpenSnapshot();
        return Of(snapshot, membership, userId, reason, more);
    }

    /// <param name="more">Writes further properties.</param>
    public static JsonElement Of(Session db, string membership, string userId, string? reason, Action<Utf8JsonWriter>? more)
    {
        string? avatarUrl = null;
        string? displayName = null;
        if (UserTable.Find(db, userId) is { } user)
        {
            avatarUrl = ProfileTable.Get(db, user, "avatar_url");
            displayName = ProfileTable.Get(db, user, "displayname");
        }

        return JsonContent.Object(json =>
        {
            WriteProfile(json, "avatar_url", avatarUrl);
            WriteProfile(json, "displayname", displayName);
            json.WriteString("membership", membership);
            if (reason is not null)
            {
                json.WriteString("reason", reason);
            }

            more?.Invoke(json);
        });
    }

    /// <summary>Without a profile: whoever leaves or is banned needs none.</summary>
    public static JsonElement Bare(string membership, string? reason) => JsonContent.Object(json =>
    {
        json.WriteString("membership", membership);
        if (reason is not null)
        {
            json.WriteString("reason", reason);
        }
    });

    private static void WriteProfile(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value);
        }
    }
}
