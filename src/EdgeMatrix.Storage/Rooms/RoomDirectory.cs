namespace EdgeMatrix.Storage.Rooms;

/// <summary>A published directory of rooms.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#published-room-directory</remarks>
public sealed class RoomDirectory
{
    private readonly long _appService;
    private readonly string? _network;

    private RoomDirectory(string condition, long appService, string? network) =>
        (Condition, _appService, _network) = (condition, appService, network);

    /// <summary>The one of this server.</summary>
    public static RoomDirectory Own { get; } = new("listed = 1", 0, null);

    /// <summary>That and those of all application services, together.</summary>
    public static RoomDirectory All { get; } = new("(listed = 1 OR nid IN (SELECT room FROM appservice_rooms))", 0, null);

    /// <summary>Without any room.</summary>
    public static RoomDirectory None { get; } = new("0", 0, null);

    /// <summary>The one that an application service keeps for a network.</summary>
    /// <param name="appService">Its nid.</param>
    public static RoomDirectory Of(long appService, string network) =>
        new("nid IN (SELECT room FROM appservice_rooms WHERE appservice = ? AND network = ?)", appService, network);

    /// <summary>Which rows of <c>rooms</c> are in it.</summary>
    internal string Condition { get; }

    /// <summary>Binds the parameters of the condition, which come first.</summary>
    internal Statement Bind(Statement statement) => _network is null ? statement : statement.Bind(_appService).Bind(_network);
}
