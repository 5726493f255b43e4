using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.Api.Pipeline;

/// <summary>Routes on the path as it was sent, and decodes each parameter once, exactly.</summary>
/// <remarks>
/// The server's own decoding leaves <c>%2F</c> alone, so that an encoded slash and an encoded <c>%2F</c> come out the same,
/// and drops segments that decode to <c>..</c>. Identifiers, state keys and event types may hold any of these.
/// </remarks>
internal static class RequestPath
{
    private static readonly (string Old, string New)[] Prefixes =
    [
        ("/_matrix/client/r0/", "/_matrix/client/v3/"),
        ("/_matrix/media/r0/", "/_matrix/media/v3/"),
    ];

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Before routing: the path is what the client sent, with <c>r0</c> read as <c>v3</c>.</summary>
    public static Task Restore(HttpContext context, RequestDelegate next)
    {
        if (ApiPaths.IsMatrix(context.Request.Path))
        {
            var path = SentPath(context);
            foreach (var (old, now) in Prefixes)
            {
                path = path.StartsWith(old, StringComparison.Ordinal) ? string.Concat(now, path.AsSpan(old.Length)) : path;
            }

            context.Request.Path = new PathString(path);
        }

        return next(context);
    }

    /// <summary>After routing: every route value is decoded; one that is not UTF-8 is refused.</summary>
    public static Task Decode(HttpContext context, RequestDelegate next)
    {
        if (!ApiPaths.IsMatrix(context.Request.Path))
        {
            return next(context);
        }

        foreach (var (name, value) in context.Request.RouteValues)
        {
            if (value is not string text || !text.Contains('%', StringComparison.Ordinal))
            {
                continue;
            }

            if (!TryDecode(text, out var decoded))
            {
                return MatrixError.InvalidParam($"{name} is not percent-encoded UTF-8").ExecuteAsync(context);
            }

            // Replacing the value of a key that is there does not disturb the enumeration: the entry is written in place.
            context.Request.RouteValues[name] = decoded;
        }

        return next(context);
    }

    private static string SentPath(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget;
        if (string.IsNullOrEmpty(target))
        {
            return context.Request.Path.ToUriComponent();
        }

        var start = 0;
        if (target[0] != '/')
        {
            // A proxy may send the whole URL.
            var authority = target.IndexOf("://", StringComparison.Ordinal);
            start = authority < 0 ? -1 : target.IndexOf('/', authority + 3);
            if (start < 0)
            {
                return context.Request.Path.ToUriComponent();
            }
        }

        var end = target.IndexOf('?', start);
        return end < 0 ? target[start..] : target[start..end];
    }

    private static bool TryDecode(string text, out string decoded)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '%')
            {
                if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                {
                    decoded = "";
                    return false;
                }

                bytes[length++] = (byte)((FromHex(text[i + 1]) << 4) | FromHex(text[i + 2]));
                i += 2;
            }
            else
            {
                length += Encoding.UTF8.GetBytes(text.AsSpan(i, 1), bytes.AsSpan(length));
            }
        }

        try
        {
            decoded = StrictUtf8.GetString(bytes, 0, length);
            return true;
        }
        catch (DecoderFallbackException)
        {
            decoded = "";
            return false;
        }
    }

    private static int FromHex(char digit) => char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
