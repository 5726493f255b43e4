namespace EdgeMatrix.Media;

/// <summary>How much of the disk users may fill with media.</summary>
public sealed record MediaLimits
{
    /// <summary>Bytes of one file.</summary>
    public long MaxUploadBytes { get; init; } = 50 * 1024 * 1024;

    /// <summary>Bytes of all files of one user; null: no limit.</summary>
    public long? UserQuotaBytes { get; init; }

    /// <summary>Bytes of all pictures of URL previews together.</summary>
    public long PreviewBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Bytes of all media of other servers together.</summary>
    public long RemoteBytes { get; init; } = 1024 * 1024 * 1024;

    /// <summary>How long media of other servers stay that nobody asks for; null: as long as there is room.</summary>
    public TimeSpan? RemoteLifetime { get; init; }

    /// <summary>Ids of one user that wait for their file at the same time.</summary>
    public int MaxUploadsWaiting { get; init; } = 20;

    /// <summary>"The recommended default expiration is 24 hours".</summary>
    public TimeSpan UploadWait { get; init; } = TimeSpan.FromHours(24);
}
