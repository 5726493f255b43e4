using SQLitePCL;

namespace EdgeMatrix.Storage;

/// <summary>The database cannot be opened, read or written. The message says what an administrator can do about it.</summary>
public sealed class DatabaseException : Exception
{
    // SQLITE_IOERR_SHMSIZE: the index of the log, a file of its own, could not grow. https://sqlite.org/rescode.html
    private const int SharedMemorySize = 4874;

    public DatabaseException(string message)
        : base(message)
    {
    }

    /// <param name="cause">Its result code, if it has one, becomes that of this exception.</param>
    public DatabaseException(string message, Exception? cause)
        : base(message, cause) => ResultCode = (cause as DatabaseException)?.ResultCode ?? 0;

    public DatabaseException(string message, int resultCode)
        : base(message) => ResultCode = resultCode;

    /// <summary>Whether a file could not be written for want of space.</summary>
    public static bool IsNoSpace(Exception exception) =>
        exception is IOException { HResult: unchecked((int)0x80070070) or 28 or 122 }; // ERROR_DISK_FULL, ENOSPC of all Unixes, EDQUOT of Linux

    /// <summary>SQLite's extended result code, or 0. See https://sqlite.org/rescode.html.</summary>
    public int ResultCode { get; }

    /// <summary>There is no space left for what was to be written.</summary>
    public bool IsDiskFull => PrimaryCode == raw.SQLITE_FULL || ResultCode == SharedMemorySize;

    /// <summary>What was written before may or may not be on the disk.</summary>
    internal bool IsSyncFailure => ResultCode is raw.SQLITE_IOERR_FSYNC or raw.SQLITE_IOERR_DIR_FSYNC;

    /// <summary>The disk does not do what it is asked to: it is full, broken, read only, or what it gives is damaged.</summary>
    public bool IsDiskFailure => IsDiskFull
        || PrimaryCode is raw.SQLITE_IOERR or raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN or raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;

    /// <summary>What an administrator can do about the result code; empty where nothing is known to help.</summary>
    internal string Advice => IsDiskFull ? " The disk is full: make space on it, then start again." : PrimaryCode switch
    {
        raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => " The file, or the -wal file beside it, is damaged or not of this database: restore a backup of the data folder.",
        raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN or raw.SQLITE_PERM => " The data folder and the files in it must be readable and writable by this user.",
        raw.SQLITE_IOERR => " The disk failed: see the log of the system (dmesg), and copy the data folder before anything else.",
        _ => "",
    };

    private int PrimaryCode => ResultCode & 0xFF;
}
