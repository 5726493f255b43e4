namespace EdgeMatrix.CommandLine;

/// <summary>How the process ends.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    public const int Failed = 1;

    /// <summary>Wrong usage or configuration, or a data folder that cannot be used: the same command will not do better.</summary>
    public const int WrongUsage = 2;
}
