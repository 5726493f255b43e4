using System.Text;
using System.Text.Json;
using EdgeMatrix.Accounts.Profiles;
using EdgeMatrix.ClientApi.AppServices;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Federation.Users;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms.Engine;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Profiles;

/// <summary>Profiles, field by field.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#profiles</remarks>
internal static class ProfileFields
{
    private const int MaxKeyBytes = 255;
    private const int MaxNameLength = 256;
    private const int MaxAvatarLength = 1_000;

    /// <summary><c>GET /_matrix/client/v3/profile/{userId}</c></summary>
    public static async Task<IResult> GetAll(
        string userId, HttpRequest request, UserProfiles profiles, RoomEngine engine, AppServiceQueries queries, RemoteProfiles remote)
    {
        if (!UserId.TryParse(userId, out var user))
        {
            return NotAUser();
        }

        if (user.ServerName != engine.Server.Name)
        {
            return await GetRemote(user, null, remote, request.HttpContext.RequestAborted);
        }

        if (await MadeOnDemand.FindUserAsync(engine, queries, userId, request.HttpContext.RequestAborted) is { } noAnswer)
        {
            return noAnswer;
        }

        return profiles.Find(userId) is not { } fields
            ? MatrixError.NotFound("No profile of that user is known here")
            : JsonText.Write(json =>
            {
                json.WriteStartObject();
                foreach (var (field, value) in fields)
                {
                    json.WritePropertyName(field);
                    json.WriteRawValue(value, skipInputValidation: true);
                }

                json.WriteEndObject();
            });
    }

    /// <summary><c>GET /_matrix/client/v3/profile/{userId}/{keyName}</c></summary>
    public static async Task<IResult> Get(
        string userId, string keyName, HttpRequest request, UserProfiles profiles, RoomEngine engine, AppServiceQueries queries,
        RemoteProfiles remote)
    {
        if (!UserId.TryParse(userId, out var user))
        {
            return NotAUser();
        }

        if (RefuseKey(keyName) is { } refused)
        {
            return refused;
        }

        if (user.ServerName != engine.Server.Name)
        {
            return await GetRemote(user, keyName, remote, request.HttpContext.RequestAborted);
        }

        if (await MadeOnDemand.FindUserAsync(engine, queries, userId, request.HttpContext.RequestAborted) is { } noAnswer)
        {
            return noAnswer;
        }

        return profiles.Find(userId, keyName) is not { } value
            ? MatrixError.NotFound("The profile has no such field")
            : JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WritePropertyName(keyName);
                json.WriteRawValue(value, skipInputValidation: true);
                json.WriteEndObject();
            });
    }

    /// <summary><c>PUT /_matrix/client/v3/profile/{userId}/{keyName}</c></summary>
    public static async Task<IResult> Set(string userId, string keyName, HttpRequest request, Requester requester, UserProfiles profiles)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        if (Refuse(userId, keyName, requester) is { } refused)
        {
            return refused;
        }

        if (!body.TryGetProperty(keyName, out var value))
        {
            return MatrixError.MissingParam(keyName);
        }

        if (keyName is "displayname" or "avatar_url")
        {
            // Clients take a name off by an empty one, or by null.
            if (value.ValueKind == JsonValueKind.Null || (value.ValueKind == JsonValueKind.String && value.GetString() == ""))
            {
                await profiles.RemoveAsync(requester.UserNid, userId, keyName, request.HttpContext.RequestAborted);
                return JsonText.Empty;
            }

            if (RefuseText(keyName, value) is { } wrong)
            {
                return wrong;
            }
        }

        return await profiles.SetAsync(requester.UserNid, userId, keyName, value, request.HttpContext.RequestAborted) switch
        {
            ProfileVerdict.TooLarge => new MatrixError(400, "M_PROFILE_TOO_LARGE", $"The profile would have more than {UserProfiles.MaxBytes} bytes"),
            _ => JsonText.Empty,
        };
    }

    /// <summary><c>DELETE /_matrix/client/v3/profile/{userId}/{keyName}</c></summary>
    public static async Task<IResult> Delete(string userId, string keyName, HttpRequest request, Requester requester, UserProfiles profiles)
    {
        if (Refuse(userId, keyName, requester) is { } refused)
        {
            return refused;
        }

        await profiles.RemoveAsync(requester.UserNid, userId, keyName, request.HttpContext.RequestAborted);
        return JsonText.Empty;
    }

    private static async Task<IResult> GetRemote(UserId user, string? keyName, RemoteProfiles remote, CancellationToken cancellation)
    {
        var answer = await remote.FindAsync(user.ServerName, user.Value, keyName, cancellation);
        if (answer.Json is not { } profile)
        {
            return RemoteError.Of(answer.Failure!, "No profile of that user is known");
        }

        if (keyName is not null && !profile.TryGetProperty(keyName, out _))
        {
            return MatrixError.NotFound("The profile has no such field");
        }

        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            foreach (var field in profile.EnumerateObject().Where(field => keyName is null || field.NameEquals(keyName)))
            {
                field.WriteTo(json);
            }

            json.WriteEndObject();
        });
    }

    private static MatrixError NotAUser() => MatrixError.InvalidParam("Not a user ID");

    private static MatrixError? Refuse(string userId, string keyName, Requester requester) =>
        userId != requester.UserId ? MatrixError.Forbidden("You can only change your own profile")
        : requester.IsGuest && keyName != "displayname" ? MatrixError.GuestAccessForbidden("Guests can only change their display name")
        : RefuseKey(keyName);

    private static MatrixError? RefuseText(string keyName, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return MatrixError.BadJson($"{keyName} is not a string");
        }

        var maxLength = keyName == "displayname" ? MaxNameLength : MaxAvatarLength;
        return value.GetString()!.Length > maxLength
            ? MatrixError.InvalidParam($"{keyName} has more than {maxLength} characters")
            : null;
    }

    /// <summary>Spec: https://spec.matrix.org/v1.19/appendices/#common-namespaced-identifier-grammar</summary>
    private static MatrixError? RefuseKey(string keyName)
    {
        if (Encoding.UTF8.GetByteCount(keyName) > MaxKeyBytes)
        {
            return new MatrixError(400, "M_KEY_TOO_LARGE", $"The name of a field has more than {MaxKeyBytes} bytes");
        }

        return char.IsAsciiLetterLower(keyName[0])
            && keyName.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '-' or '_' or '.')
                ? null
                : MatrixError.InvalidParam("The name of a field begins with a-z and goes on with a-z, 0-9 and - _ .");
    }
}
