namespace EdgeMatrix.Crash.Tests.Disks;

/// <summary>What of a log is surely on the disk and what may be, at a point of the log that moves on; and images of it.</summary>
internal sealed class DiskAtCut
{
    private const int SectorBytes = 512;

    private readonly Dictionary<RecordedFile, Contents> _files = [];
    private readonly Dictionary<string, RecordedFile> _names = [];
    private readonly List<DiskOperation> _pendingNames = [];

    /// <summary>The last step of the test that was acknowledged; -1: none.</summary>
    public int Acknowledged { get; private set; } = -1;

    /// <summary>The power stays on for one operation more.</summary>
    public void Advance(DiskOperation operation)
    {
        switch (operation.Step)
        {
            case DiskStep.Create:
                _files.TryAdd(operation.File!, new Contents());
                _pendingNames.Add(operation);
                break;
            case DiskStep.Delete or DiskStep.Rename:
                _pendingNames.Add(operation);
                break;
            case DiskStep.Write or DiskStep.Truncate:
                _files[operation.File!].Pending.Add(operation);
                break;
            case DiskStep.Sync:
                _files[operation.File!].Settle();
                break;
            case DiskStep.SyncFailed:
                _files[operation.File!].Pending.Clear();
                break;
            case DiskStep.SyncFolder:
                SettleNames(operation.Name);
                break;
            case DiskStep.Acknowledged:
                Acknowledged = (int)operation.Position;
                break;
        }
    }

    /// <summary>Writes files as a power cut now may leave them: everything synced, and of the rest what the random source says.</summary>
    public void WriteImage(string folder, Random random)
    {
        var names = new Dictionary<string, RecordedFile>(_names);

        // Each name by itself keeps some of what became of it; the order between names is nobody's promise.
        foreach (var changes in _pendingNames.GroupBy(change => change.Name))
        {
            foreach (var change in changes.Take(random.Next(changes.Count() + 1)))
            {
                Apply(names, change);
            }
        }

        // What is in a folder that is not there is not there either.
        foreach (var (name, file) in names.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var path = Path.Combine(folder, name);
            if (Directory.Exists(Path.GetDirectoryName(path)))
            {
                if (file.IsFolder)
                {
                    Directory.CreateDirectory(path);
                }
                else
                {
                    File.WriteAllBytes(path, _files[file].Image(random));
                }
            }
        }
    }

    private void SettleNames(string folder)
    {
        var settled = _pendingNames.Where(change =>
            DiskOperation.FolderOf(change.Name) == folder || (change.Step == DiskStep.Rename && DiskOperation.FolderOf(change.From) == folder)).ToList();
        settled.ForEach(change => Apply(_names, change));
        _pendingNames.RemoveAll(change => settled.Contains(change)
            || settled.Exists(rename => rename.Step == DiskStep.Rename && rename.From == change.Name && rename.File == change.File));
        foreach (var rename in settled.Where(change => change is { Step: DiskStep.Rename, File.IsFolder: true }))
        {
            for (var at = 0; at < _pendingNames.Count; at++)
            {
                _pendingNames[at] = _pendingNames[at].Moved(rename.From, rename.Name);
            }
        }
    }

    private static void Apply(Dictionary<string, RecordedFile> names, DiskOperation change)
    {
        if (change.Step is DiskStep.Create or DiskStep.Rename)
        {
            names[change.Name] = change.File!;
            if (change.From.Length > 0 && names.TryGetValue(change.From, out var file) && file == change.File)
            {
                names.Remove(change.From);
                if (file.IsFolder)
                {
                    DiskOperation.MoveContents(names, change.From, change.Name);
                }
            }
        }
        else
        {
            names.Remove(change.Name);
        }
    }

    private sealed class Contents
    {
        private readonly FileBytes _settled = new([]);

        public List<DiskOperation> Pending { get; } = [];

        public void Settle()
        {
            foreach (var operation in Pending)
            {
                Apply(_settled, operation, 0, operation.Data.Length);
            }

            Pending.Clear();
        }

        public byte[] Image(Random random)
        {
            var image = new FileBytes(_settled.ToArray());
            var kept = random.Next(4) switch
            {
                0 => 0.0,
                1 => 1.0,
                _ => random.NextDouble(),
            };
            var inOrder = random.Next(3) == 0 ? random.Next(Pending.Count + 1) : Pending.Count;
            foreach (var operation in Pending.Take(inOrder))
            {
                if (operation.Step == DiskStep.Truncate)
                {
                    if (random.NextDouble() < kept)
                    {
                        Apply(image, operation, 0, 0);
                    }

                    continue;
                }

                if (random.Next(8) == 0)
                {
                    // The file has grown, and what it grew by is not there.
                    Apply(image, operation, 0, 0);
                    Grow(image, operation.Position + operation.Data.Length);
                }

                for (var start = 0; start < operation.Data.Length;)
                {
                    var sector = (int)Math.Min(operation.Data.Length, start + SectorBytes - ((operation.Position + start) % SectorBytes));
                    if (random.NextDouble() < kept)
                    {
                        // Now and then a sector tears: its new bytes end before it does.
                        Apply(image, operation, start, random.Next(16) == 0 ? random.Next(start, sector) : sector);
                    }

                    start = sector;
                }
            }

            return image.ToArray();
        }

        private static void Apply(FileBytes bytes, DiskOperation operation, int start, int end)
        {
            if (operation.Step == DiskStep.Truncate)
            {
                bytes.SetLength((int)operation.Position);
            }
            else if (end > start)
            {
                bytes.Write(operation.Data.AsSpan(start, end - start), (int)operation.Position + start);
            }
        }

        private static void Grow(FileBytes bytes, long length) => bytes.SetLength(Math.Max(bytes.Length, (int)length));
    }
}
