using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace EdgeMatrix.Crash.Tests.Disks;

/// <summary>
/// A folder in which whole programs are at work, and what they ask of the system there in the order in which they do: by SQLite, or past it.
/// Written down by strace, whose tests therefore need it.
/// </summary>
internal sealed partial class TracedFolder(string folder)
{
    private const string Calls =
        "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,fallocate,copy_file_range,sendfile,"
        + "fsync,fdatasync,sync_file_range,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,mkdirat";

    private readonly Dictionary<string, RecordedFile> _names = [];
    private readonly List<DiskOperation> _log = [];
    private readonly Queue<(double Time, int Step)> _acknowledged = new();
    private int _files;

    public IReadOnlyList<DiskOperation> Log => _log;

    public static bool IsPossible => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(path => File.Exists(Path.Combine(path, "strace")));

    /// <summary>The words that run a program so that its calls go into a file.</summary>
    public static string[] Words(string calls) =>
        ["strace", "-f", "--seccomp-bpf", "-qq", "-ttt", "-y", "-xx", "-s", "16777216", "-e", "signal=none", "-e", "trace=" + Calls, "-o", calls];

    /// <summary>What is there now is on the disk.</summary>
    public void Begin()
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var name = Path.GetRelativePath(folder, path);
            var file = Add(name, isFolder: Directory.Exists(path));
            if (!file.IsFolder)
            {
                Append(new DiskOperation(DiskStep.Write, file, 0, File.ReadAllBytes(path)));
                Append(new DiskOperation(DiskStep.Sync, file, 0, []));
            }

            Append(new DiskOperation(DiskStep.SyncFolder, null, 0, [], DiskOperation.FolderOf(name)));
        }
    }

    /// <summary>A step of the test is done, now; what of its calls are read later came before.</summary>
    public void Acknowledge(int step) => _acknowledged.Enqueue(((DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds, step));

    /// <summary>Reads what strace wrote.</summary>
    public void Read(string calls)
    {
        var unfinished = new Dictionary<string, string>();
        foreach (var line in File.ReadLines(calls))
        {
            var parts = Line().Match(line);
            var (thread, time, call) = (parts.Groups[1].Value, parts.Groups[2].Value, parts.Groups[3].Value);
            if (call.EndsWith(" <unfinished ...>", StringComparison.Ordinal))
            {
                unfinished[thread] = call[..^" <unfinished ...>".Length];
                continue;
            }

            if (Resumed().Match(call) is { Success: true } resumed)
            {
                call = unfinished[thread] + call[resumed.Length..];
            }

            AcknowledgeBefore(double.Parse(time, CultureInfo.InvariantCulture));
            Take(call);
        }

        AcknowledgeBefore(double.MaxValue);
    }

    private void AcknowledgeBefore(double time)
    {
        while (_acknowledged.TryPeek(out var next) && next.Time < time)
        {
            Append(new DiskOperation(DiskStep.Acknowledged, null, _acknowledged.Dequeue().Step, []));
        }
    }

    private void Take(string text)
    {
        // "name(argument, …) = result"; strings are in hexadecimal, so that no comma or quotation mark is in one.
        var end = text.LastIndexOf(" = ", StringComparison.Ordinal);
        var open = text.IndexOf('(', StringComparison.Ordinal);
        if (end < 0 || text[end + 3] is '-' or '?')
        {
            return;
        }

        var name = text[..open];
        var arguments = text[(open + 1)..text.LastIndexOf(')', end)].Split(", ");
        switch (name)
        {
            case "open" or "openat" or "creat":
                Opened(Unescape(text[(end + 3)..]), text);
                break;
            case "write" or "pwrite64" when FileOf(arguments[0]) is { } file:
                var data = Bytes(arguments[1]);
                var position = name == "write" ? file.Length : Number(arguments[3]);
                file.Length = Math.Max(file.Length, position + data.Length);
                Append(new DiskOperation(DiskStep.Write, file, position, data));
                break;
            case "ftruncate" when FileOf(arguments[0]) is { } file:
                file.Length = Number(arguments[1]);
                Append(new DiskOperation(DiskStep.Truncate, file, file.Length, []));
                break;
            case "fsync" or "fdatasync" when NameOf(arguments[0]) is { } synced:
                if (synced.Length == 0 || (_names.TryGetValue(synced, out var syncedFile) && syncedFile.IsFolder))
                {
                    Append(new DiskOperation(DiskStep.SyncFolder, null, 0, [], synced));
                }
                else if (_names.TryGetValue(synced, out syncedFile))
                {
                    Append(new DiskOperation(DiskStep.Sync, syncedFile, 0, []));
                }

                break;
            case "rename" or "renameat" or "renameat2" or "link" or "linkat":
                var (from, to) = (Inside(Strings(arguments)[0]), Inside(Strings(arguments)[1]));
                if (from is not null && to is not null)
                {
                    var moved = _names[to] = _names[from];
                    var renames = name.StartsWith("rename", StringComparison.Ordinal) && _names.Remove(from);
                    if (moved.IsFolder)
                    {
                        DiskOperation.MoveContents(_names, from, to);
                    }

                    Append(new DiskOperation(renames ? DiskStep.Rename : DiskStep.Create, moved, 0, [], to, renames ? from : ""));
                }

                break;
            case "unlink" or "unlinkat" or "rmdir":
                if (Inside(Strings(arguments)[0]) is { } gone && _names.Remove(gone, out var deleted))
                {
                    Append(new DiskOperation(DiskStep.Delete, deleted, 0, [], gone));
                }

                break;
            case "mkdir" or "mkdirat":
                if (Inside(Strings(arguments)[0]) is { } made)
                {
                    Add(made, isFolder: true);
                }

                break;
            default:
                if (name is not ("write" or "pwrite64" or "ftruncate" or "fsync" or "fdatasync") && arguments.Any(argument => FileOf(argument) is not null))
                {
                    throw new InvalidOperationException($"{name} is not known here: {text[..Math.Min(text.Length, 200)]}");
                }

                break;
        }
    }

    private void Opened(string result, string call)
    {
        if (NameOf(result) is not { Length: > 0 } name)
        {
            return;
        }

        if (!_names.ContainsKey(name) && call.Contains("O_CREAT", StringComparison.Ordinal))
        {
            Add(name, isFolder: false);
        }
        else if (call.Contains("O_TRUNC", StringComparison.Ordinal))
        {
            _names[name].Length = 0;
            Append(new DiskOperation(DiskStep.Truncate, _names[name], 0, []));
        }
    }

    private RecordedFile Add(string name, bool isFolder)
    {
        var file = new RecordedFile(_files++) { IsFolder = isFolder, IsShared = name.EndsWith("-shm", StringComparison.Ordinal) };
        _names[name] = file;
        Append(new DiskOperation(DiskStep.Create, file, 0, [], name));
        return file;
    }

    private void Append(DiskOperation operation)
    {
        if (operation.File is not { IsShared: true })
        {
            _log.Add(operation);
        }
    }

    private RecordedFile? FileOf(string descriptor) => NameOf(descriptor) is { } name && _names.TryGetValue(name, out var file) && !file.IsFolder ? file : null;

    // "7</the/path>"
    private string? NameOf(string descriptor)
    {
        var text = Unescape(descriptor);
        var start = text.IndexOf('<', StringComparison.Ordinal);
        return start < 0 || !text.EndsWith('>') ? null : Inside(text[(start + 1)..^1]);
    }

    private string? Inside(string path) => path == folder ? ""
        : path.StartsWith(folder + "/", StringComparison.Ordinal) ? path[(folder.Length + 1)..]
        : null;

    private static List<string> Strings(string[] arguments) => [.. arguments.Where(argument => argument.StartsWith('"')).Select(argument => Encoding.UTF8.GetString(Bytes(argument)))];

    private static string Unescape(string text) => Escaped().Replace(text, match => ((char)Convert.ToByte(match.Groups[1].Value, 16)).ToString());

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    // "\x00\x01…"
    private static byte[] Bytes(string text)
    {
        if (text.EndsWith("...", StringComparison.Ordinal))
        {
            throw new InvalidOperationException("strace cut a string off");
        }

        var bytes = new byte[(text.Length - 2) / 4];
        for (var n = 0; n < bytes.Length; n++)
        {
            bytes[n] = byte.Parse(text.AsSpan(1 + (4 * n) + 2, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }

        return bytes;
    }

    [GeneratedRegex(@"^(\d+) +(\d+\.\d+) (.*)$")]
    private static partial Regex Line();

    [GeneratedRegex(@"^<\.\.\. \w+ resumed>")]
    private static partial Regex Resumed();

    [GeneratedRegex(@"\\x([0-9a-f]{2})")]
    private static partial Regex Escaped();
}
