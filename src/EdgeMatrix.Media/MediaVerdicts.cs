using EdgeMatrix.Storage.Media;

namespace EdgeMatrix.Media;

/// <summary>What became of an upload.</summary>
public enum UploadVerdict
{
    /// <summary>It is on the disk, and can be had.</summary>
    Done,

    TooLarge,

    /// <summary>The user's files would have more bytes than the user may have.</summary>
    OverQuota,

    /// <summary>Of an id that was made before: there is none such, or it waited too long.</summary>
    NoSuchId,

    /// <summary>The id was made by another user.</summary>
    NotYours,

    /// <summary>The id has its file already.</summary>
    AlreadyUploaded,

    /// <summary>Too many ids of the user wait for their file.</summary>
    TooManyWaiting,
}

public enum MediaVerdict
{
    Found,

    /// <summary>There is no such media, or nobody may have it.</summary>
    NotFound,

    /// <summary>The id was made, and its file has not come in the time that was given.</summary>
    NotYetUploaded,

    /// <summary>It is another server's, and larger than what is taken from others.</summary>
    TooLarge,

    /// <summary>It is another server's, and that does not give it.</summary>
    NotGiven,
}

/// <param name="File">What was asked for; only where it was found.</param>
/// <param name="Path">Where its bytes are; null where there are none.</param>
public readonly record struct MediaLookup(MediaVerdict Verdict, MediaFile? File = null, string? Path = null);

public enum QuarantineVerdict
{
    Done,
    NotFound,

    /// <summary>An administrator said that the bytes are never to be quarantined.</summary>
    Protected,
}
