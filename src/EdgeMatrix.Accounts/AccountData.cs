using System.Text.Json;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Accounts;

/// <summary>What clients keep for their user on the server: globally, and room by room. Changes show in <c>/sync</c>.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#client-config</remarks>
public sealed class AccountData(Database database, ChangeNotifier notifier)
{
    /// <param name="user">Nid of the user.</param>
    /// <param name="content">An object; kept as it is, numbers and all.</param>
    public Task SetGlobalAsync(long user, string type, JsonElement content) =>
        SetRoomAsync(user, AccountDataTable.Global, type, content);

    /// <param name="room">Nid of the room.</param>
    public Task SetRoomAsync(long user, long room, string type, JsonElement content)
    {
        var text = Json.Compact(content);
        return database.WriteAsync(db => Set(db, notifier, user, room, type, text));
    }

    /// <summary>The content, UTF-8 JSON; null if there is none.</summary>
    public byte[]? FindGlobal(long user, string type) => FindRoom(user, AccountDataTable.Global, type);

    public byte[]? FindRoom(long user, long room, string type)
    {
        using var snapshot = database.OpenSnapshot();
        return AccountDataTable.Find(snapshot, user, room, type);
    }

    /// <summary>Stores data as the next thing that happens, and wakes the user's syncs when it is on the disk.</summary>
    internal static void Set(WriteTransaction db, ChangeNotifier notifier, long user, long room, string type, string content)
    {
        var position = db.NextPosition();
        AccountDataTable.Set(db, user, room, type, content, position);
        db.AfterCommit(() => notifier.UserChanged(user, position));
    }
}
