namespace EdgeMatrix.Storage;

/// <summary>The database cannot be opened, read or written. The message says what an administrator can do about it.</summary>
public sealed class DatabaseException : Exception
{
    public DatabaseException(string message)
        : base(message)
    {
    }

    public DatabaseException(string message, Exception? cause)
        : base(message, cause)
    {
    }

    public DatabaseException(string message, int resultCode)
        : base(message) => ResultCode = resultCode;

    /// <summary>SQLite's extended result code, or 0. See https://sqlite.org/rescode.html.</summary>
    public int ResultCode { get; }
}
