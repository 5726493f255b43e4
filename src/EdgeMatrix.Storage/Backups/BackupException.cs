namespace EdgeMatrix.Storage.Backups;

/// <summary>A backup cannot be taken for what it should be, or not be restored to where it should. The message says why.</summary>
public sealed class BackupException : Exception
{
    public BackupException(string message)
        : base(message)
    {
    }

    public BackupException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
