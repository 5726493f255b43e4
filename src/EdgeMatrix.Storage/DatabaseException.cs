namespace EdgeMatrix.Storage;

/// <summary>The database cannot be opened, is damaged, or its disk refused a write.</summary>
public sealed class DatabaseException : Exception
{
    public DatabaseException(string message)
        : base(message)
    {
    }

    public DatabaseException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
