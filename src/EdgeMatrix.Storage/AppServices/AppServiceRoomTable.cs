namespace EdgeMatrix.Storage.AppServices;

/// <summary>The <c>appservice_rooms</c> table: the directories that application services keep for their networks.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#published-room-directories</remarks>
public static class AppServiceRoomTable
{
    private const string AddSql = "INSERT INTO appservice_rooms (appservice, network, room) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    private const string RemoveSql = "DELETE FROM appservice_rooms WHERE appservice = ? AND network = ? AND room = ?";

    public static void Set(WriteTransaction db, long appService, string network, long room, bool listed)
    {
        using var change = db.Prepare(listed ? AddSql : RemoveSql).Bind(appService).Bind(network).Bind(room);
        change.Run();
    }
}
