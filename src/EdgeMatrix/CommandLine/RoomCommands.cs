using EdgeMatrix.Configuration;
using EdgeMatrix.Console.Inspection;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.CommandLine;

/// <summary><c>room export</c> and <c>room explain</c>: look into a room of the data folder, whether or not a server runs on it.</summary>
internal sealed class RoomCommands(HomeserverOptions options, Terminal terminal)
{
    private const int OutputBufferBytes = 64 * 1024;

    /// <summary>Returns the exit code.</summary>
    public int Run(Invocation invocation)
    {
        try
        {
            return invocation.Command == Command.RoomExport ? Export(invocation) : Explain(invocation);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            terminal.Complain($"the output ended early: {failure.Message}");
            return ExitCode.Failed;
        }
    }

    private int Export(Invocation invocation)
    {
        using var database = ReadOnlyDatabase.Open(HomeserverParts.DatabaseOf(options));
        if (FindRoom(database, invocation.Room!) is not var (room, version))
        {
            return ExitCode.Failed;
        }

        using var output = new BufferedStream(terminal.OpenOutput(), OutputBufferBytes);
        RoomExport.Write(database, room, version, invocation.Format, output);
        return ExitCode.Done;
    }

    private int Explain(Invocation invocation)
    {
        if ((invocation.RoomFile is { } file ? ReadFile(file, invocation.RoomVersion) : ReadStored(invocation.Room!)) is not { } room)
        {
            return ExitCode.Failed;
        }

        if ((invocation.EventId is { } eventId ? room.Find(eventId) : room.Newest) is not { } explained)
        {
            terminal.Complain($"there is no event {invocation.EventId} in {invocation.RoomFile ?? invocation.Room}");
            return ExitCode.Failed;
        }

        using var output = new StreamWriter(terminal.OpenOutput());
        RoomExplanation.Write(room, explained, output);
        return ExitCode.Done;
    }

    private RoomGraph? ReadFile(string path, string? version)
    {
        try
        {
            var room = RoomFile.Read(path, version, out var problem);
            if (problem is not null)
            {
                terminal.Complain(problem);
            }

            return room;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            terminal.Complain($"{path} cannot be read: {failure.Message}");
            return null;
        }
    }

    private RoomGraph? ReadStored(string name)
    {
        using var database = ReadOnlyDatabase.Open(HomeserverParts.DatabaseOf(options));
        if (FindRoom(database, name) is not var (room, version))
        {
            return null;
        }

        var events = new List<Pdu>();
        Pdu? newest = null;
        foreach (var stored in new StoredRoomOrder(database, room, version).Walk())
        {
            events.Add(Pdu.FromStored(stored.Json, version, stored.EventId));
            newest = stored.Timeline == room.LastEvent ? events[^1] : newest;
        }

        return new RoomGraph(version, events, newest ?? events[^1], givenStates: new Dictionary<string, IReadOnlyList<string>>());
    }

    /// <summary>Null, with the complaint made, where there is no such room.</summary>
    private (RoomRow Room, RoomVersion Version)? FindRoom(ReadOnlyDatabase database, string name)
    {
        using var snapshot = database.OpenSnapshot();
        if (RoomExport.Find(snapshot, name) is not { } room)
        {
            terminal.Complain($"there is no room {name} in {options.Server.Data}");
            return null;
        }

        if (RoomVersions.Find(room.Version) is not { } version)
        {
            terminal.Complain($"{name} is of room version {room.Version}, which this EdgeMatrix does not know");
            return null;
        }

        return (room, version);
    }
}
