using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace EdgeMatrix.Crash.Tests.Disks;

/// <summary>
/// Takes the place of SQLite's default VFS in this process and passes all on to it; what it does in the folder of a
/// <see cref="RecordedDisk"/> is written down there, and fails when that says so.
/// </summary>
internal static unsafe class RecordingVfs
{
    private const int JournalOrLog = raw.SQLITE_OPEN_MAIN_JOURNAL | raw.SQLITE_OPEN_WAL;

    private static readonly ConcurrentDictionary<string, RecordedDisk> _disks = new(StringComparer.Ordinal);
    private static readonly SqliteVfs* _inner;
    private static readonly SqliteIo* _io;

    static RecordingVfs()
    {
        Batteries_V2.Init();
        _inner = SqliteVfs.Find(null);
        _io = (SqliteIo*)NativeMemory.AllocZeroed((nuint)sizeof(SqliteIo));
        *_io = new SqliteIo
        {
            Version = 2,
            Close = &Close,
            Read = &Read,
            Write = &Write,
            Truncate = &Truncate,
            Sync = &Sync,
            FileSize = &FileSize,
            Lock = &Lock,
            Unlock = &Unlock,
            CheckReservedLock = &CheckReservedLock,
            FileControl = &FileControl,
            SectorSize = &SectorSize,
            DeviceCharacteristics = &DeviceCharacteristics,
            ShmMap = &ShmMap,
            ShmLock = &ShmLock,
            ShmBarrier = &ShmBarrier,
            ShmUnmap = &ShmUnmap,
        };

        // Lives as long as the process, as SQLite keeps it.
        var vfs = (SqliteVfs*)NativeMemory.Alloc((nuint)sizeof(SqliteVfs));
        *vfs = *_inner;
        vfs->Next = null;
        vfs->Name = (byte*)Marshal.StringToCoTaskMemUTF8("recording");
        vfs->FileBytes += sizeof(SqliteFile);
        vfs->Open = &Open;
        vfs->Delete = &Delete;
        var code = SqliteVfs.Register(vfs, 1);
        if (code != raw.SQLITE_OK)
        {
            throw new InvalidOperationException($"sqlite3_vfs_register: {code}");
        }
    }

    public static void Attach(RecordedDisk disk) => _disks[disk.Folder] = disk;

    public static void Detach(RecordedDisk disk) => _disks.TryRemove(disk.Folder, out _);

    private static RecordedDisk? DiskOf(string? path) => path is not null && _disks.TryGetValue(Path.GetDirectoryName(path) ?? "", out var disk) ? disk : null;

    private static OpenFile? Opened(SqliteFile* file) => file->Handle == 0 ? null : (OpenFile)GCHandle.FromIntPtr(file->Handle).Target!;

    private static SqliteIo* Io(SqliteFile* file) => SqliteFile.Inner(file)->Methods;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Open(SqliteVfs* vfs, byte* name, SqliteFile* file, int flags, int* outFlags)
    {
        *file = default;
        var path = Marshal.PtrToStringUTF8((nint)name);
        var existed = path is not null && File.Exists(path);
        var code = _inner->Open(_inner, name, SqliteFile.Inner(file), flags, outFlags);
        if (SqliteFile.Inner(file)->Methods is null)
        {
            return code;
        }

        file->Methods = _io;
        if (code == raw.SQLITE_OK && DiskOf(path) is { } disk)
        {
            var opened = new OpenFile(disk, disk.Opened(path!), !existed && (flags & JournalOrLog) != 0);
            file->Handle = GCHandle.ToIntPtr(GCHandle.Alloc(opened));
        }

        return code;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Delete(SqliteVfs* vfs, byte* name, int syncFolder)
    {
        var code = _inner->Delete(_inner, name, syncFolder);
        if (code == raw.SQLITE_OK && Marshal.PtrToStringUTF8((nint)name) is { } path)
        {
            DiskOf(path)?.Deleted(path, syncFolder != 0);
        }

        return code;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Close(SqliteFile* file)
    {
        if (file->Handle != 0)
        {
            GCHandle.FromIntPtr(file->Handle).Free();
            file->Handle = 0;
        }

        return Io(file)->Close(SqliteFile.Inner(file));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Read(SqliteFile* file, byte* buffer, int bytes, long position)
    {
        var code = Opened(file)?.Disk.ReadFault?.Invoke() ?? 0;
        return code != 0 ? code : Io(file)->Read(SqliteFile.Inner(file), buffer, bytes, position);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Write(SqliteFile* file, byte* buffer, int bytes, long position)
    {
        var code = Opened(file) is { } opened ? opened.Disk.Write(opened.File, new ReadOnlySpan<byte>(buffer, bytes), position) : 0;
        return code != 0 ? code : Io(file)->Write(SqliteFile.Inner(file), buffer, bytes, position);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Truncate(SqliteFile* file, long length)
    {
        if (Opened(file) is { } opened)
        {
            opened.Disk.Truncated(opened.File, length);
        }

        return Io(file)->Truncate(SqliteFile.Inner(file), length);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Sync(SqliteFile* file, int flags)
    {
        // No test needs the real disk to be waited for: what is lost is decided from the log.
        if (Opened(file) is not { } opened)
        {
            return raw.SQLITE_OK;
        }

        var code = opened.Disk.Sync(opened.File, opened.SyncsFolder);
        opened.SyncsFolder &= code != 0;
        return code;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int FileSize(SqliteFile* file, long* size) => Io(file)->FileSize(SqliteFile.Inner(file), size);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Lock(SqliteFile* file, int level) => Io(file)->Lock(SqliteFile.Inner(file), level);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Unlock(SqliteFile* file, int level) => Io(file)->Unlock(SqliteFile.Inner(file), level);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CheckReservedLock(SqliteFile* file, int* result) => Io(file)->CheckReservedLock(SqliteFile.Inner(file), result);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int FileControl(SqliteFile* file, int operation, void* argument) => Io(file)->FileControl(SqliteFile.Inner(file), operation, argument);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SectorSize(SqliteFile* file) => Io(file)->SectorSize(SqliteFile.Inner(file));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int DeviceCharacteristics(SqliteFile* file) => Io(file)->DeviceCharacteristics(SqliteFile.Inner(file));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ShmMap(SqliteFile* file, int page, int bytes, int extend, void** memory) =>
        Io(file)->ShmMap(SqliteFile.Inner(file), page, bytes, extend, memory);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ShmLock(SqliteFile* file, int offset, int count, int flags) => Io(file)->ShmLock(SqliteFile.Inner(file), offset, count, flags);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void ShmBarrier(SqliteFile* file) => Io(file)->ShmBarrier(SqliteFile.Inner(file));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ShmUnmap(SqliteFile* file, int delete) => Io(file)->ShmUnmap(SqliteFile.Inner(file), delete);
}
