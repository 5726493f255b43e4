using System.Text.Json;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Sync;

/// <summary>The account data that changed, of the user and room by room.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#client-config</remarks>
internal sealed class AccountDataNews
{
    private readonly ILookup<long, AccountDataRow> _byRoom;

    private AccountDataNews(IEnumerable<AccountDataRow> rows) => _byRoom = rows.ToLookup(row => row.Room);

    /// <summary>Nids of the rooms in which something changed.</summary>
    public IEnumerable<long> Rooms => _byRoom.Select(rows => rows.Key).Where(room => room != AccountDataTable.Global);

    public static AccountDataNews Read(SyncRound round) =>
        new(AccountDataTable.Since(round.Db, round.Request.User, round.Since?.Position ?? 0)
            .Where(row => row.Position <= round.UpTo.Position));

    public List<AccountDataRow> OfUser(SyncRound round) =>
        [.. _byRoom[AccountDataTable.Global].Where(row => round.Filter.AccountData.Matches(row.Type, round.Request.UserId))];

    /// <param name="all">Whether the client has yet to hear of the room at all.</param>
    public List<AccountDataRow> OfRoom(SyncRound round, long room, string roomId, bool all)
    {
        var filter = round.Filter.RoomAccountData;
        if (!filter.MatchesRoom(roomId))
        {
            return [];
        }

        var rows = all && round.Since is not null ? AccountDataTable.OfRoom(round.Db, round.Request.User, room) : _byRoom[room];
        return [.. rows.Where(row => filter.Matches(row.Type, round.Request.UserId))];
    }

    public static void Write(Utf8JsonWriter json, List<AccountDataRow> rows)
    {
        json.WriteStartObject("account_data"u8);
        AccountDataJson.Write(json, "events"u8, rows);
        json.WriteEndObject();
    }
}
