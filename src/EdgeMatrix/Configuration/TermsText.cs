using EdgeMatrix.ClientApi.Authentication;

namespace EdgeMatrix.Configuration;

/// <summary>Reads a document of <c>registration.terms</c>: <c>privacy_policy 1.2 en https://example.org/privacy-1.2 Privacy policy</c>.</summary>
internal static class TermsText
{
    /// <summary>Null if it cannot be read.</summary>
    public static TermsPolicy? Parse(string text) =>
        text.Split(' ', 5, StringSplitOptions.RemoveEmptyEntries) is [var id, var version, var language, var url, var name]
        && language != "version"
        && Uri.TryCreate(url, UriKind.Absolute, out var parsed)
        && parsed.Scheme is "http" or "https"
            ? new TermsPolicy(id, version, language, url, name)
            : null;

    /// <summary>Null if it can be read.</summary>
    public static string? Refuse(string text) => Parse(text) is null
        ? $"must be ID VERSION LANGUAGE URL NAME, as in \"privacy_policy 1.2 en https://example.org/privacy Privacy policy\", not {Toml.Write(text)}"
        : null;
}
