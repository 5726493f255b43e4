using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Storage.Encryption;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Encryption;

/// <summary>The backups of room keys that a user has, or had.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups</remarks>
internal static class KeyBackupVersions
{
    /// <summary><c>POST /_matrix/client/v3/room_keys/version</c></summary>
    public static async Task<IResult> Create(HttpRequest request, Requester requester, KeyBackups backups)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (algorithm, authData, refused) = Read(body);
        if (refused is not null)
        {
            return refused;
        }

        var version = await backups.CreateAsync(requester.UserNid, algorithm!, authData);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("version"u8, version);
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_matrix/client/v3/room_keys/version</c></summary>
    public static IResult GetCurrent(Requester requester, KeyBackups backups) =>
        Answer(backups.Find(requester.UserNid, null), "No current backup version");

    /// <summary><c>GET /_matrix/client/v3/room_keys/version/{version}</c></summary>
    public static IResult Get(string version, Requester requester, KeyBackups backups) =>
        Answer(backups.Find(requester.UserNid, version), "Unknown backup version");

    /// <summary><c>PUT /_matrix/client/v3/room_keys/version/{version}</c></summary>
    public static async Task<IResult> Update(string version, HttpRequest request, Requester requester, KeyBackups backups)
    {
        var (body, error) = await request.ReadObjectAsync();
        if (error is not null)
        {
            return error;
        }

        var (algorithm, authData, refused) = Read(body);
        if (refused is not null)
        {
            return refused;
        }

        // "If present, must be the same as the version in the path."
        if (body.TryGetProperty("version", out var given) && !(given.ValueKind == JsonValueKind.String && given.ValueEquals(version)))
        {
            return MatrixError.InvalidParam("The version is not that of the path");
        }

        return await backups.UpdateAsync(requester.UserNid, version, algorithm!, authData) is { } refusal
            ? MatrixError.From(refusal)
            : JsonText.Empty;
    }

    /// <summary><c>DELETE /_matrix/client/v3/room_keys/version/{version}</c></summary>
    public static async Task<IResult> Delete(string version, Requester requester, KeyBackups backups) =>
        await backups.DeleteAsync(requester.UserNid, version) ? JsonText.Empty : MatrixError.NotFound("Unknown backup version");

    private static (string? Algorithm, JsonElement AuthData, MatrixError? Error) Read(JsonElement body)
    {
        if (!body.TryGetProperty("algorithm", out var algorithm) || !body.TryGetProperty("auth_data", out var authData))
        {
            return (null, default, MatrixError.MissingParam("algorithm or auth_data"));
        }

        return algorithm.ValueKind != JsonValueKind.String || authData.ValueKind != JsonValueKind.Object
            ? (null, default, MatrixError.BadJson("algorithm must be a string, and auth_data an object"))
            : (algorithm.GetString(), authData, null);
    }

    private static IResult Answer(KeyBackupRow? backup, string otherwise) => backup is null
        ? MatrixError.NotFound(otherwise)
        : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("algorithm"u8, backup.Algorithm);
            json.WritePropertyName("auth_data"u8);
            json.WriteRawValue(backup.AuthData, skipInputValidation: true);
            KeyBackupKeys.WriteState(json, backup);
            json.WriteString("version"u8, KeyBackups.Text(backup.Version));
            json.WriteEndObject();
        });
}
