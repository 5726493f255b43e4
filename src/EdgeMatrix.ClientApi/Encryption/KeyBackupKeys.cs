using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Encryption;

/// <summary>The keys in a backup: all, those of a room, one.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups</remarks>
internal static class KeyBackupKeys
{
    private const int MaxBodyBytes = 8 << 20;

    /// <summary><c>PUT /_matrix/client/v3/room_keys/keys</c></summary>
    public static Task<IResult> PutAll(HttpRequest request, Requester requester, KeyBackups backups) =>
        Put(request, requester, backups, body =>
            Named(body, "rooms").SelectMany(room => Named(room.Value, "sessions").Select(session => Read(room.Name, session.Name, session.Value))));

    /// <summary><c>PUT /_matrix/client/v3/room_keys/keys/{roomId}</c></summary>
    public static Task<IResult> PutRoom(string roomId, HttpRequest request, Requester requester, KeyBackups backups) =>
        Put(request, requester, backups, body => Named(body, "sessions").Select(session => Read(roomId, session.Name, session.Value)));

    /// <summary><c>PUT /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}</c></summary>
    public static Task<IResult> PutOne(string roomId, string sessionId, HttpRequest request, Requester requester, KeyBackups backups) =>
        Put(request, requester, backups, body => [Read(roomId, sessionId, body)]);

    /// <summary><c>GET /_matrix/client/v3/room_keys/keys</c></summary>
    public static IResult GetAll(HttpRequest request, Requester requester, KeyBackups backups, AnswerSpool spool) =>
        Get(request, requester, backups, null, null, keys => LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("rooms"u8);
            string? room = null;
            foreach (var key in keys)
            {
                if (key.RoomId != room)
                {
                    EndRoom(json, room);
                    json.WriteStartObject(room = key.RoomId);
                    json.WriteStartObject("sessions"u8);
                }

                json.WritePropertyName(key.SessionId);
                WriteKey(json, key);
            }

            EndRoom(json, room);
            json.WriteEndObject();
            json.WriteEndObject();
        }));

    /// <summary><c>GET /_matrix/client/v3/room_keys/keys/{roomId}</c></summary>
    public static IResult GetRoom(string roomId, HttpRequest request, Requester requester, KeyBackups backups, AnswerSpool spool) =>
        Get(request, requester, backups, roomId, null, keys => LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("sessions"u8);
            foreach (var key in keys)
            {
                json.WritePropertyName(key.SessionId);
                WriteKey(json, key);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }));

    /// <summary><c>GET /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}</c></summary>
    public static IResult GetOne(string roomId, string sessionId, HttpRequest request, Requester requester, KeyBackups backups) =>
        Get(request, requester, backups, roomId, sessionId, keys =>
            keys.SingleOrDefault() is { } key ? JsonText.Write(json => WriteKey(json, key)) : MatrixError.NotFound("Key not found"));

    /// <summary><c>DELETE /_matrix/client/v3/room_keys/keys</c></summary>
    public static Task<IResult> DeleteAll(HttpRequest request, Requester requester, KeyBackups backups) =>
        Delete(request, requester, backups, null, null);

    /// <summary><c>DELETE /_matrix/client/v3/room_keys/keys/{roomId}</c></summary>
    public static Task<IResult> DeleteRoom(string roomId, HttpRequest request, Requester requester, KeyBackups backups) =>
        Delete(request, requester, backups, roomId, null);

    /// <summary><c>DELETE /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}</c></summary>
    public static Task<IResult> DeleteOne(string roomId, string sessionId, HttpRequest request, Requester requester, KeyBackups backups) =>
        Delete(request, requester, backups, roomId, sessionId);

    /// <summary>Writes the properties <c>count</c> and <c>etag</c>.</summary>
    public static void WriteState(Utf8JsonWriter json, KeyBackupRow backup)
    {
        json.WriteNumber("count"u8, backup.Count);
        json.WriteString("etag"u8, KeyBackups.Text(backup.Etag));
    }

    private static async Task<IResult> Put(
        HttpRequest request, Requester requester, KeyBackups backups, Func<JsonElement, IEnumerable<RoomKey?>> read)
    {
        var (version, noVersion) = request.QueryRequired("version");
        if (noVersion is not null)
        {
            return noVersion;
        }

        var (body, error) = await request.ReadObjectAsync(MaxBodyBytes);
        if (error is not null)
        {
            return error;
        }

        List<RoomKey?> keys;
        try
        {
            keys = [.. read(body)];
        }
        catch (FormatException wrong)
        {
            return MatrixError.BadJson(wrong.Message);
        }

        if (keys.Contains(null))
        {
            return MatrixError.BadJson("A key lacks first_message_index, forwarded_count, is_verified or session_data, or has them of another type");
        }

        var change = await backups.PutAsync(requester.UserNid, version!, keys!);
        return (change.Backup, change.Current) switch
        {
            ({ } backup, _) => State(backup),
            (_, { } current) => new MatrixError(403, "M_WRONG_ROOM_KEYS_VERSION", "Wrong backup version", json => json.WriteString("current_version", current)),
            _ => MatrixError.NotFound("No current backup version"),
        };
    }

    private static IResult Get(
        HttpRequest request, Requester requester, KeyBackups backups, string? roomId, string? sessionId, Func<IEnumerable<BackedUpKeyRow>, IResult> answer)
    {
        var (version, error) = request.QueryRequired("version");
        if (error is not null)
        {
            return error;
        }

        return backups.ReadKeys(requester.UserNid, version!, roomId, sessionId, answer) ?? UnknownVersion();
    }

    private static async Task<IResult> Delete(HttpRequest request, Requester requester, KeyBackups backups, string? roomId, string? sessionId)
    {
        var (version, error) = request.QueryRequired("version");
        if (error is not null)
        {
            return error;
        }

        return await backups.DeleteKeysAsync(requester.UserNid, version!, roomId, sessionId) is { } backup ? State(backup) : UnknownVersion();
    }

    private static MatrixError UnknownVersion() => MatrixError.NotFound("Unknown backup version");

    private static JsonText State(KeyBackupRow backup) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        WriteState(json, backup);
        json.WriteEndObject();
    });

    /// <exception cref="FormatException">There is no object of that name.</exception>
    private static JsonElement.ObjectEnumerator Named(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object
            ? value.EnumerateObject()
            : throw new FormatException($"{name} is not an object");

    private static RoomKey? Read(string roomId, string sessionId, JsonElement key) =>
        key.ValueKind == JsonValueKind.Object
        && Integer(key, "first_message_index") is { } firstMessageIndex
        && Integer(key, "forwarded_count") is { } forwardedCount
        && key.TryGetProperty("is_verified", out var isVerified)
        && isVerified.ValueKind is JsonValueKind.True or JsonValueKind.False
        && key.TryGetProperty("session_data", out var sessionData)
        && sessionData.ValueKind == JsonValueKind.Object
            ? new RoomKey(roomId, sessionId, firstMessageIndex, forwardedCount, isVerified.ValueKind == JsonValueKind.True, sessionData)
            : null;

    private static long? Integer(JsonElement key, string name) =>
        key.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= 0
            ? number
            : null;

    private static void EndRoom(Utf8JsonWriter json, string? room)
    {
        if (room is not null)
        {
            json.WriteEndObject();
            json.WriteEndObject();
        }
    }

    private static void WriteKey(Utf8JsonWriter json, BackedUpKeyRow key)
    {
        json.WriteStartObject();
        json.WriteNumber("first_message_index"u8, key.FirstMessageIndex);
        json.WriteNumber("forwarded_count"u8, key.ForwardedCount);
        json.WriteBoolean("is_verified"u8, key.IsVerified);
        json.WritePropertyName("session_data"u8);
        json.WriteRawValue(key.SessionData, skipInputValidation: true);
        json.WriteEndObject();
    }
}
