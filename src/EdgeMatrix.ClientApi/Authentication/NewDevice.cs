namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>What a client may call a device.</summary>
internal static class NewDevice
{
    private const int MaxIdLength = 255;
    private const int MaxNameLength = 255;

    /// <summary>Null if both are fine; each may be absent.</summary>
    public static MatrixError? Refuse(string? deviceId, string? displayName)
    {
        if (deviceId is "" or { Length: > MaxIdLength })
        {
            return MatrixError.InvalidParam($"A device ID has 1 to {MaxIdLength} characters");
        }

        return displayName is { Length: > MaxNameLength }
            ? MatrixError.InvalidParam($"The display name of a device has at most {MaxNameLength} characters")
            : null;
    }
}
