using System.Text;

namespace EdgeMatrix.Federation.Requests;

/// <summary>Identifiers in the paths of requests to other servers.</summary>
internal static class PathSegment
{
    /// <summary>An identifier, with those characters escaped that a segment of a path must not have: what it begins and divides its parts with it may.</summary>
    /// <remarks>RFC 3986, 3.3: https://www.rfc-editor.org/rfc/rfc3986#section-3.3</remarks>
    public static string Of(string identifier) => new StringBuilder(Uri.EscapeDataString(identifier))
        .Replace("%21", "!")
        .Replace("%24", "$")
        .Replace("%2B", "+")
        .Replace("%3A", ":")
        .Replace("%40", "@")
        .ToString();
}
