using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using Microsoft.AspNetCore.Http;
using Directory = EdgeMatrix.Rooms.Directory.UserDirectory;

namespace EdgeMatrix.ClientApi.UserDirectory;

/// <summary>Finding other users.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#user-directory</remarks>
internal static class UserSearch
{
    private const int DefaultLimit = 10;
    private const int MaxLimit = 100;

    /// <summary><c>POST /_matrix/client/v3/user_directory/search</c></summary>
    public static async Task<IResult> Search(HttpRequest request, Requester requester, RoomEngine engine)
    {
        var (body, unread) = await request.ReadObjectAsync();
        if (unread is not null)
        {
            return unread;
        }

        if (!body.TryGetProperty("search_term", out var term) || term.ValueKind != JsonValueKind.String)
        {
            return MatrixError.BadJson("search_term is no string");
        }

        var limit = DefaultLimit;
        if (body.TryGetProperty("limit", out var given) && (given.ValueKind != JsonValueKind.Number || !given.TryGetInt32(out limit) || limit < 0))
        {
            return MatrixError.BadJson("limit is no number of users");
        }

        using var snapshot = engine.Database.OpenSnapshot();
        var (users, limited) = Directory.Search(snapshot, engine.Server, requester.UserNid, term.GetString()!, Math.Min(limit, MaxLimit));
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteBoolean("limited"u8, limited);
            json.WriteStartArray("results"u8);
            foreach (var user in users)
            {
                json.WriteStartObject();
                json.WriteString("user_id"u8, user.UserId);
                WriteText(json, "display_name", user.DisplayName);
                WriteText(json, "avatar_url", user.AvatarUrl);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }
}
