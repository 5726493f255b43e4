namespace EdgeMatrix.Media.Thumbnails;

/// <summary>What became of the wish for a thumbnail; also the exit code of the process that makes it.</summary>
public enum ThumbnailVerdict
{
    Made = 0,

    /// <summary>The picture is no larger than what was asked for: it is its own thumbnail.</summary>
    Original = 20,

    /// <summary>Not a picture that can be read.</summary>
    NoPicture = 21,

    /// <summary>It would take too much memory.</summary>
    TooLarge = 22,

    /// <summary>The process that should have made it died, or took too long.</summary>
    Failed = 23,

    /// <summary>Too many wait for theirs.</summary>
    Busy = 24,
}
