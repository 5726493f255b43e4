using EdgeMatrix.Testing;
using SQLitePCL;

namespace EdgeMatrix.Crash.Tests.Disks;

/// <summary>
/// A folder of the real disk in which what SQLite does is written down in its order, and can be made to fail. Beside it stands
/// nothing else: the log tells which writes a power cut could have taken.
/// </summary>
internal sealed class RecordedDisk : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, RecordedFile> _names = [];
    private readonly List<DiskOperation> _log = [];
    private int _files;

    public RecordedDisk()
    {
        Folder = TestFolder.Create();
        RecordingVfs.Attach(this);
    }

    public string Folder { get; }

    public IReadOnlyList<DiskOperation> Log => _log;

    /// <summary>How many more bytes files may grow by; null: without end.</summary>
    public long? FreeBytes { get; set; }

    /// <summary>Asked before a read, write or sync; what is not 0 is SQLite's code of the failure.</summary>
    public Func<DiskStep, int>? Fault { get; set; }

    /// <summary>Asked before each read; what is not 0 is the failure.</summary>
    public Func<int>? ReadFault { get; set; }

    /// <summary>Writes down that a step of the test is done.</summary>
    public void Acknowledge(long step) => Append(new DiskOperation(DiskStep.Acknowledged, null, step, []));

    public RecordedFile Opened(string path)
    {
        lock (_lock)
        {
            var name = Path.GetFileName(path);
            if (!_names.TryGetValue(name, out var file))
            {
                _names[name] = file = new RecordedFile(_files++);
                _log.Add(new DiskOperation(DiskStep.Create, file, 0, [], name));
            }

            return file;
        }
    }

    public void Deleted(string path, bool synced)
    {
        lock (_lock)
        {
            var name = Path.GetFileName(path);
            if (_names.Remove(name, out var file))
            {
                _log.Add(new DiskOperation(DiskStep.Delete, file, 0, [], name));
            }

            if (synced)
            {
                _log.Add(new DiskOperation(DiskStep.SyncFolder, null, 0, []));
            }
        }
    }

    public int Write(RecordedFile file, ReadOnlySpan<byte> data, long position)
    {
        if (Fault?.Invoke(DiskStep.Write) is { } code and not 0)
        {
            return code;
        }

        lock (_lock)
        {
            var growth = Math.Max(0, position + data.Length - file.Length);
            if (growth > FreeBytes)
            {
                return raw.SQLITE_FULL;
            }

            FreeBytes -= growth;
            file.Length += growth;
            _log.Add(new DiskOperation(DiskStep.Write, file, position, data.ToArray()));
            return 0;
        }
    }

    public void Truncated(RecordedFile file, long length)
    {
        lock (_lock)
        {
            file.Length = length;
            _log.Add(new DiskOperation(DiskStep.Truncate, file, length, []));
        }
    }

    /// <param name="folder">The first sync of a journal brings its name to the disk as well.</param>
    public int Sync(RecordedFile file, bool folder)
    {
        if (Fault?.Invoke(DiskStep.Sync) is { } code and not 0)
        {
            Append(new DiskOperation(DiskStep.SyncFailed, file, 0, []));
            return code;
        }

        Append(new DiskOperation(DiskStep.Sync, file, 0, []));
        if (folder)
        {
            Append(new DiskOperation(DiskStep.SyncFolder, null, 0, []));
        }

        return 0;
    }

    public void Dispose()
    {
        RecordingVfs.Detach(this);
        Directory.Delete(Folder, recursive: true);
    }

    private void Append(DiskOperation operation)
    {
        lock (_lock)
        {
            _log.Add(operation);
        }
    }
}
