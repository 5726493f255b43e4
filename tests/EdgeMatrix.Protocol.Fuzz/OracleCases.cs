using System.Buffers;
using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;

namespace EdgeMatrix.Protocol.Fuzz;

/// <summary>Our side of the comparison with Python, in lines of Base64 with tabs between; <c>agreement.py</c> is the other.</summary>
internal static class OracleCases
{
    private const string Signer = "domain";
    private const string None = "-";

    /// <summary>
    /// Writes generated documents, one a line: the bytes, their canonical form as room versions since 6 have it, that of the versions
    /// before, and if the document is an object, the same signed. Where we refuse, there is a hyphen.
    /// </summary>
    public static void Write(int count, ulong seed, TextWriter output)
    {
        var json = new HostileJson(new Chance(seed));
        using var key = Corpus.Key();
        output.WriteLine(Convert.ToBase64String(key.PublicKey));
        for (var index = 0; index < count; index++)
        {
            var document = json.Next();
            var read = CanonicalJson.TryParse(document, out var value, out _);
            var strict = read ? Canonical(value, CanonicalForm.Strict) : null;
            var lenient = read ? Canonical(value, CanonicalForm.Lenient) : null;
            var signed = strict is not null && value.ValueKind == JsonValueKind.Object ? SignedJson.Sign(value, Signer, key) : null;
            output.WriteLine(string.Join('\t', Text(document), Text(strict), Text(lenient), Text(signed)));
        }
    }

    /// <summary>Reads a public key, and then signed objects, one a line; writes <c>1</c> for each that is rightly signed, else <c>0</c>.</summary>
    public static void Verify(TextReader input, TextWriter output)
    {
        var publicKey = Convert.FromBase64String(input.ReadLine() ?? throw new FormatException("there is no public key"));
        while (input.ReadLine() is { } line)
        {
            var isSigned = CanonicalJson.TryParse(Convert.FromBase64String(line), out var value, out _)
                && SignedJson.Verify(value, "python", "ed25519:py", publicKey);
            output.WriteLine(isSigned ? "1" : "0");
        }
    }

    private static byte[]? Canonical(JsonElement value, CanonicalForm form)
    {
        var output = new ArrayBufferWriter<byte>();
        return CanonicalJson.TryWrite(value, form, output, out _) ? output.WrittenSpan.ToArray() : null;
    }

    private static string Text(byte[]? bytes) => bytes is null ? None : Convert.ToBase64String(bytes);
}
