using System.Text.Json;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>What the server checks of <c>m.room.canonical_alias</c>: aliases that are added must point to the room.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#mroomcanonical_alias</remarks>
internal static class CanonicalAlias
{
    public static Refusal? Check(RoomEngine engine, string roomId, JsonElement content, JsonElement? current)
    {
        if (content.TryGetProperty("alias", out var main) && main.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
        {
            return Refusal.InvalidParam("alias must be a string");
        }

        if (content.TryGetProperty("alt_aliases", out var others) && others.ValueKind is not (JsonValueKind.Array or JsonValueKind.Null))
        {
            return Refusal.InvalidParam("alt_aliases must be a list");
        }

        var known = current is { } before ? Aliases(before) : [];
        using var snapshot = engine.Database.OpenSnapshot();
        foreach (var alias in Aliases(content).Except(known))
        {
            if (!RoomAlias.TryParse(alias, out _))
            {
                return Refusal.InvalidParam($"{alias} is not a room alias");
            }

            if (RoomAliasTable.Find(snapshot, alias)?.RoomId != roomId)
            {
                return new Refusal(RefusalKind.BadAlias, $"{alias} does not point to this room");
            }
        }

        return null;
    }

    private static IEnumerable<string> Aliases(JsonElement content)
    {
        if (JsonContent.Text(content, "alias") is { Length: > 0 } alias)
        {
            yield return alias;
        }

        if (content.TryGetProperty("alt_aliases", out var others) && others.ValueKind == JsonValueKind.Array)
        {
            foreach (var other in others.EnumerateArray())
            {
                yield return other.ValueKind == JsonValueKind.String ? other.GetString()! : other.GetRawText();
            }
        }
    }

    /// <summary>The content without an alias that is no more; null if it does not name it.</summary>
    public static JsonElement? Without(JsonElement content, string alias)
    {
        var isMain = JsonContent.Text(content, "alias") == alias;
        var others = content.TryGetProperty("alt_aliases", out var list) && list.ValueKind == JsonValueKind.Array ? list : default(JsonElement?);
        if (!isMain && others?.EnumerateArray().Any(IsIt) is not true)
        {
            return null;
        }

        return JsonContent.Object(json =>
        {
            foreach (var property in content.EnumerateObject().Where(property => property.Name != "alias" || !isMain))
            {
                if (property.Name != "alt_aliases" || others is null)
                {
                    property.WriteTo(json);
                    continue;
                }

                json.WriteStartArray("alt_aliases");
                foreach (var other in others.Value.EnumerateArray().Where(other => !IsIt(other)))
                {
                    other.WriteTo(json);
                }

                json.WriteEndArray();
            }
        });

        bool IsIt(JsonElement other) => other.ValueKind == JsonValueKind.String && other.ValueEquals(alias);
    }
}
