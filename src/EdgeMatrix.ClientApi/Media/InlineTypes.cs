using System.Collections.Frozen;

namespace EdgeMatrix.ClientApi.Media;

/// <summary>The types that a browser may show: "unlikely to cause Cross-Site Scripting issues".</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#serving-inline-content</remarks>
internal static class InlineTypes
{
    private static readonly FrozenSet<string> Types = new[]
    {
        "text/css", "text/plain", "text/csv", "application/json", "application/ld+json",
        "image/jpeg", "image/gif", "image/png", "image/apng", "image/webp", "image/avif",
        "video/mp4", "video/webm", "video/ogg", "video/quicktime",
        "audio/mp4", "audio/webm", "audio/aac", "audio/mpeg", "audio/ogg", "audio/wave", "audio/wav", "audio/x-wav", "audio/x-pn-wav",
        "audio/flac", "audio/x-flac",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <param name="type">A Content-Type, perhaps with parameters.</param>
    public static bool Contain(string type) => Types.Contains(type.Split(';')[0].Trim());
}
