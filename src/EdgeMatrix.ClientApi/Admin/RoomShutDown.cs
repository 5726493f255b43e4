using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Purging;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Deleting rooms.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/rooms.html#delete-room-api</remarks>
internal static class RoomShutDown
{
    /// <summary><c>DELETE /_synapse/admin/v1/rooms/{roomId}</c>: answers when it is done.</summary>
    public static async Task<IResult> DeleteNow(
        string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomPurge purge, RoomCreation creation, RoomMembers members)
    {
        var (wanted, error) = await ReadAsync(roomId, request, engine);
        if (error is not null)
        {
            return error;
        }

        var done = await RunAsync(roomId, wanted!, requester.UserNid, engine, purge, creation, members);
        return JsonText.Write(json => Write(json, done));
    }

    /// <summary><c>DELETE /_synapse/admin/v2/rooms/{roomId}</c>: answers at once; <see cref="Status"/> tells what comes of it.</summary>
    public static async Task<IResult> Delete(
        string roomId, HttpRequest request, Requester requester, RoomEngine engine, RoomPurge purge, RoomCreation creation, RoomMembers members,
        AdminTasks tasks)
    {
        var (wanted, error) = await ReadAsync(roomId, request, engine);
        if (error is not null)
        {
            return error;
        }

        var (begun, taken) = tasks.Begin(AdminTaskKind.DeleteRoom, roomId, "The room is being deleted already", async task =>
            task.Result = await RunAsync(roomId, wanted!, requester.UserNid, engine, purge, creation, members));
        return begun is null ? taken! : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("delete_id"u8, begun.Id);
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_synapse/admin/v2/rooms/{roomId}/delete_status</c></summary>
    public static IResult StatusOfRoom(string roomId, AdminTasks tasks) =>
        tasks.Of(AdminTaskKind.DeleteRoom, roomId) is not { Count: > 0 } found ? NotFound() : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("results"u8);
            foreach (var task in found)
            {
                WriteStatus(json, task);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });

    /// <summary><c>GET /_synapse/admin/v2/rooms/delete_status/{deleteId}</c></summary>
    public static IResult Status(string deleteId, AdminTasks tasks) =>
        tasks.Find(AdminTaskKind.DeleteRoom, deleteId) is { } task ? JsonText.Write(json => WriteStatus(json, task)) : NotFound();

    private static async Task<(ShutDownRequest? Wanted, MatrixError? Error)> ReadAsync(string roomId, HttpRequest request, RoomEngine engine)
    {
        var (given, badBody) = await request.ReadObjectOrEmptyAsync();
        if (badBody is not null)
        {
            return (null, badBody);
        }

        var body = new AdminBody(given);
        var wanted = new ShutDownRequest(
            body.Text("new_room_user_id"), body.Text("room_name"), body.Text("message"), body.Flag("block") is true, body.Flag("purge") is not false);
        if (body.Error is not null)
        {
            return (null, body.Error);
        }

        if (!Protocol.Identifiers.RoomId.IsValid(roomId))
        {
            return (null, MatrixError.InvalidParam("Not a room ID"));
        }

        if (wanted.NewRoomUser is { } user && !(user is ['@', ..] && engine.Server.Owns(user)))
        {
            return (null, MatrixError.BadRequest("new_room_user_id is not of this server"));
        }

        // A room that is not known here can be blocked all the same.
        return engine.Find(roomId) is null && !wanted.Block ? (null, MatrixError.NotFound("The room is not known here")) : (wanted, null);
    }

    private static async Task<ShutDownRoom> RunAsync(
        string roomId, ShutDownRequest wanted, long admin, RoomEngine engine, RoomPurge purge, RoomCreation creation, RoomMembers members)
    {
        if (wanted.Block)
        {
            await engine.Database.WriteAsync(db => BlockedRoomTable.Add(db, roomId, admin));
        }

        if (engine.Find(roomId) is not { } room)
        {
            return new ShutDownRoom([], [], null);
        }

        List<string> users;
        List<string> aliases;
        using (var db = engine.Database.OpenSnapshot())
        {
            users = [.. room.LocalMembers().Select(user => UserTable.Name(db, user)).OfType<string>()];
            aliases = RoomAliasTable.OfRoom(db, room.Nid);
        }

        var replacement = wanted.NewRoomUser is null ? null : await ReplaceAsync(room, wanted, users, engine, creation, members);
        await purge.DeleteAsync(room, wanted.Purge, CancellationToken.None);
        return new ShutDownRoom(users, aliases, replacement);
    }

    /// <summary>Makes a room in which those who were in the other are told why it is gone, and may say nothing.</summary>
    private static async Task<string?> ReplaceAsync(
        Room room, ShutDownRequest wanted, List<string> users, RoomEngine engine, RoomCreation creation, RoomMembers members)
    {
        var (replacement, _) = await creation.CreateAsync(wanted.NewRoomUser!, new CreateRoomRequest
        {
            Preset = "public_chat",
            Name = wanted.RoomName ?? "Room closed",
            PowerLevelContentOverride = JsonContent.Object(json => json.WriteNumber("users_default", -10)),
        });
        if (replacement is null)
        {
            return null;
        }

        await engine.SendAsync(
            replacement,
            new EventDraft("m.room.message", null, wanted.NewRoomUser!, JsonContent.Object(json =>
            {
                json.WriteString("msgtype", "m.text");
                json.WriteString("body", wanted.Message ?? "An administrator of this server has closed the room in which you were.");
            })),
            null,
            CancellationToken.None);
        foreach (var user in users)
        {
            await members.JoinAsync(replacement, user, reason: null, CancellationToken.None);
        }

        await engine.Database.WriteAsync(db => RoomAliasTable.Move(db, room.Nid, replacement.Nid));
        return replacement.Id;
    }

    private static MatrixError NotFound() => MatrixError.NotFound("Nothing is known of such a deletion");

    private static void WriteStatus(Utf8JsonWriter json, AdminTask task)
    {
        json.WriteStartObject();
        json.WriteString("delete_id"u8, task.Id);
        json.WriteString("room_id"u8, task.Subject);
        json.WriteString("status"u8, task.Status == AdminTask.Active ? "purging" : task.Status);
        if (task.Error is not null)
        {
            json.WriteString("error"u8, task.Error);
        }

        if (task.Result is { } result)
        {
            json.WritePropertyName("shutdown_room"u8);
            Write(json, result);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ShutDownRoom done)
    {
        json.WriteStartObject();
        json.WriteStartArray("kicked_users"u8);
        foreach (var user in done.Kicked)
        {
            json.WriteStringValue(user);
        }

        json.WriteEndArray();
        json.WriteStartArray("failed_to_kick_users"u8);
        json.WriteEndArray();
        json.WriteStartArray("local_aliases"u8);
        foreach (var alias in done.Aliases)
        {
            json.WriteStringValue(alias);
        }

        json.WriteEndArray();
        json.WriteString("new_room_id"u8, done.NewRoomId);
        json.WriteEndObject();
    }

    /// <param name="Purge">True: it goes now, not after <c>rooms.purge_forgotten_after</c>.</param>
    private sealed record ShutDownRequest(string? NewRoomUser, string? RoomName, string? Message, bool Block, bool Purge);
}
