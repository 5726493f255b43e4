using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Signing;

/// <summary>Who sends a request from server to server: the value of an <c>Authorization</c> of the scheme <c>X-Matrix</c>.</summary>
/// <param name="Origin">The server that says it sent the request.</param>
/// <param name="Destination">For whom it was meant; null where an older server does not say.</param>
/// <param name="KeyId">Of the origin's key.</param>
/// <param name="Signature">64 bytes.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#request-authentication</remarks>
public sealed record RequestAuthorization(string Origin, string? Destination, string KeyId, byte[] Signature)
{
    private const string Scheme = "X-Matrix";
    private const int MaxLength = 2_048;

    // RFC 9110, section 5.6.2, and what older servers leave without quotes: colons of server names, and what Base64 has.
    private static readonly SearchValues<char> _unquoted =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:/=[]");

    /// <summary>The value of the header for a request.</summary>
    /// <param name="target">Path and query as they are sent.</param>
    /// <param name="content">The body; null if there is none.</param>
    /// <exception cref="FormatException">The body has no canonical form.</exception>
    public static string Sign(string origin, string destination, string method, string target, JsonElement? content, SigningKey key)
    {
        var signed = SignedBytes(origin, destination, method, target, content)
            ?? throw new FormatException("The body has no canonical form");
        var signature = UnpaddedBase64.Encode(key.Sign(signed));
        return $"{Scheme} origin=\"{origin}\",destination=\"{destination}\",key=\"{key.KeyId}\",sig=\"{signature}\"";
    }

    /// <summary>Whether a header is of this scheme, well-formed or not.</summary>
    public static bool IsOfScheme(string? header) =>
        header is not null && header.Length > Scheme.Length && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && header[Scheme.Length] == ' ';

    /// <summary>Reads a header; false if it is of another scheme, or lacks what is needed.</summary>
    public static bool TryParse(string header, [NotNullWhen(true)] out RequestAuthorization? authorization)
    {
        authorization = null;
        if (header.Length > MaxLength
            || !IsOfScheme(header)
            || ReadParameters(header.AsSpan(Scheme.Length)) is not { } parameters)
        {
            return false;
        }

        if (!parameters.TryGetValue("origin", out var origin)
            || !ServerName.IsValid(origin)
            || !parameters.TryGetValue("key", out var keyId)
            || !KeyIds.IsEd25519(keyId)
            || !UnpaddedBase64.TryDecode(parameters.GetValueOrDefault("sig") ?? parameters.GetValueOrDefault("signature"), out var signature)
            || signature.Length != Ed25519.SignatureBytes)
        {
            return false;
        }

        authorization = new RequestAuthorization(origin, parameters.GetValueOrDefault("destination"), keyId, signature);
        return true;
    }

    /// <summary>Whether the origin signed this request, to this server.</summary>
    /// <param name="me">The name of this server.</param>
    public bool Verify(VerifyKey key, string me, string method, string target, JsonElement? content) =>
        SignedBytes(Origin, me, method, target, content) is { } signed && key.Verify(signed, Signature);

    // The canonical JSON of the object that is signed; null if the content has none. Of numbers in it nothing is asked: in rooms of early versions
    // events have such as are not canonical.
    private static byte[]? SignedBytes(string origin, string destination, string method, string target, JsonElement? content)
    {
        var output = new ArrayBufferWriter<byte>();
        if (content is { } body)
        {
            output.Write("{\"content\":"u8);
            if (!CanonicalJson.TryWrite(body, CanonicalForm.Lenient, output, out _))
            {
                return null;
            }
        }

        var rest = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(rest))
        {
            json.WriteStartObject();
            json.WriteString("destination"u8, destination);
            json.WriteString("method"u8, method);
            json.WriteString("origin"u8, origin);
            json.WriteString("uri"u8, target);
            json.WriteEndObject();
        }

        var names = CanonicalJson.Write(JsonElement.Parse(rest.WrittenSpan));
        if (content is not null)
        {
            names[0] = (byte)',';
        }

        output.Write(names);
        return output.WrittenSpan.ToArray();
    }

    private static Dictionary<string, string>? ReadParameters(ReadOnlySpan<char> text)
    {
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (true)
        {
            // An empty element of a list is of no account: RFC 9110, section 5.6.1.2.
            text = text.TrimStart(" \t,");
            if (text.IsEmpty)
            {
                return parameters;
            }

            var equals = text.IndexOf('=');
            if (equals <= 0)
            {
                return null;
            }

            var name = text[..equals].Trim(" \t").ToString();
            text = text[(equals + 1)..].TrimStart(" \t");
            if (ReadValue(ref text) is not { } value || !parameters.TryAdd(name, value))
            {
                return null;
            }

            text = text.TrimStart(" \t");
            if (!text.IsEmpty && text[0] != ',')
            {
                return null;
            }
        }
    }

    private static string? ReadValue(ref ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text[0] != '"')
        {
            var length = text.IndexOfAnyExcept(_unquoted);
            length = length < 0 ? text.Length : length;
            var token = text[..length].ToString();
            text = text[length..];
            return length > 0 ? token : null;
        }

        var value = new StringBuilder();
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '"')
            {
                text = text[(i + 1)..];
                return value.ToString();
            }

            if (text[i] == '\\' && ++i == text.Length)
            {
                return null;
            }

            value.Append(text[i]);
        }

        return null;
    }
}
