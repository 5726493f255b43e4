using System.Text.Json;
using EdgeMatrix.Configuration;
using EdgeMatrix.Media.Thumbnails;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Space;

namespace EdgeMatrix.CommandLine;

/// <summary><c>storage</c>: tells where every byte of the data folder goes, whether or not a server runs on it, and what could be freed.</summary>
internal sealed class StorageCommand(HomeserverOptions options, Terminal terminal, TimeProvider time)
{
    private const int RoomsShown = 10;
    private const string MediaFolder = "media";

    /// <summary>Returns the exit code.</summary>
    public int Run(Invocation invocation)
    {
        try
        {
            var path = HomeserverParts.DatabaseOf(options).Path;
            if (invocation.Vacuum)
            {
                var (before, after) = DatabaseRewrite.Run(path);
                terminal.Output.WriteLine($"{path}: {Size(before)} before, {Size(after)} now");
                return ExitCode.Done;
            }

            using var database = ReadOnlyDatabase.Open(HomeserverParts.DatabaseOf(options));
            using var snapshot = database.OpenSnapshot();
            var use = StorageUse.Read(snapshot, path);
            var media = (FolderBytes(Path.Combine(options.Server.Data, MediaFolder)), FolderBytes(Path.Combine(options.Server.Data, ThumbnailCache.FolderName)));
            if (invocation.Json)
            {
                WriteJson(use, media);
            }
            else
            {
                using var output = new StreamWriter(terminal.OpenOutput());
                WriteTable(output, use, media);
            }

            return ExitCode.Done;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            terminal.Complain(failure.Message);
            return ExitCode.Failed;
        }
    }

    private void WriteTable(StreamWriter output, StorageUse use, (long Files, long Thumbnails) media)
    {
        output.WriteLine($"{options.Server.Data}: {Size(use.FileBytes + use.LogBytes + media.Files + media.Thumbnails)}");
        output.WriteLine();
        output.WriteLine($"{"",-24}{"tables",12}{"indexes",12}{"together",12}");
        foreach (var kind in use.Kinds)
        {
            output.WriteLine($"{kind.Kind,-24}{Size(kind.TableBytes),12}{Size(kind.IndexBytes),12}{Size(kind.Bytes),12}");
        }

        output.WriteLine($"{"the file's own",-24}{"",12}{"",12}{Size(use.OwnBytes),12}");
        output.WriteLine($"{"free pages",-24}{"",12}{"",12}{Size(use.FreeBytes),12}");
        output.WriteLine($"{"the database",-24}{"",12}{"",12}{Size(use.FileBytes),12}");
        output.WriteLine($"{"its log",-24}{"",12}{"",12}{Size(use.LogBytes),12}");
        output.WriteLine($"{"media files",-24}{"",12}{"",12}{Size(media.Files),12}");
        output.WriteLine($"{"thumbnails",-24}{"",12}{"",12}{Size(media.Thumbnails),12}");
        output.WriteLine();
        output.WriteLine($"{"together",12}{"messages",12}{"state",12}{"members",10}  room, the largest of {use.Rooms.Count}");
        foreach (var room in use.Rooms.Take(RoomsShown))
        {
            output.WriteLine($"{Size(room.Bytes),12}{Size(room.MessageBytes),12}{Size(room.StateBytes),12}{room.Members,10}  {room.RoomId}");
        }

        output.WriteLine();
        output.WriteLine("could be freed:");
        foreach (var (bytes, how) in Freeable(use))
        {
            output.WriteLine($"{Size(bytes),12}  {how}");
        }
    }

    private IEnumerable<(long Bytes, string How)> Freeable(StorageUse use)
    {
        yield return (use.FreeBytes, use.CanShrink
            ? "free pages: used again; the running server gives them back when they are more than a twentieth; `edgematrix storage --vacuum` does at once, with the server stopped"
            : "free pages: used again; this file cannot shrink by itself until `edgematrix storage --vacuum`, once, with the server stopped");
        yield return (
            use.Rooms.Where(room => room.ForgottenTs is not null).Sum(room => room.Bytes),
            $"forgotten rooms: {use.Rooms.Count(room => room.ForgottenTs is not null)}; deleted {Quantities.Write(options.Rooms.PurgeForgottenAfter)} after that (rooms.purge_forgotten_after)"
                + (use.RoomsBeingDeleted > 0 ? $"; {use.RoomsBeingDeleted} more are being deleted" : ""));
        yield return (
            use.Rooms.Sum(room => room.MessageBytes),
            options.Retention.Enabled ? "messages: they expire (retention.enabled)" : "messages: the old ones, with retention.enabled");
    }

    private void WriteJson(StorageUse use, (long Files, long Thumbnails) media)
    {
        using var output = terminal.OpenOutput();
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteNumber("total", use.FileBytes + use.LogBytes + media.Files + media.Thumbnails);
        json.WriteNumber("database", use.FileBytes);
        json.WriteNumber("log", use.LogBytes);
        json.WriteNumber("media", media.Files);
        json.WriteNumber("thumbnails", media.Thumbnails);
        json.WriteNumber("free", use.FreeBytes);
        json.WriteBoolean("can_shrink", use.CanShrink);
        json.WriteNumber("own", use.OwnBytes);
        json.WriteNumber("rooms_being_deleted", use.RoomsBeingDeleted);
        json.WriteStartArray("kinds");
        foreach (var kind in use.Kinds)
        {
            json.WriteStartObject();
            json.WriteString("kind", kind.Kind);
            json.WriteNumber("tables", kind.TableBytes);
            json.WriteNumber("indexes", kind.IndexBytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("rooms");
        foreach (var room in use.Rooms)
        {
            json.WriteStartObject();
            json.WriteString("room_id", room.RoomId);
            json.WriteNumber("messages", room.Messages);
            json.WriteNumber("state_events", room.StateEvents);
            json.WriteNumber("members", room.Members);
            json.WriteNumber("message_bytes", room.MessageBytes);
            json.WriteNumber("state_bytes", room.StateBytes);
            if (room.ForgottenTs is { } forgotten)
            {
                json.WriteNumber("forgotten_ts", forgotten);
                json.WriteBoolean("purge_due", forgotten + options.Rooms.PurgeForgottenAfter.TotalMilliseconds <= time.GetUtcNow().ToUnixTimeMilliseconds());
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static long FolderBytes(string folder) => Directory.Exists(folder)
        ? new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length)
        : 0;

    // Whole numbers of the unit in which there are at least ten.
    private static string Size(long bytes) => bytes switch
    {
        >= 10L << 30 => $"{bytes >> 30} GB",
        >= 10L << 20 => $"{bytes >> 20} MB",
        >= 10L << 10 => $"{bytes >> 10} kB",
        _ => $"{bytes} B",
    };
}
