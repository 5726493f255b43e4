using System.Buffers;
using System.Buffers.Text;

namespace EdgeMatrix.Storage;

/// <summary>
/// Takes the hashes and signatures out of an event: base64 of 32 or 64 random bytes, which no compressor makes smaller than
/// those bytes. A control character, which canonical JSON never has, marks each place.
/// </summary>
internal static class FoldedBody
{
    public const int UnitBytes = 32;

    /// <summary>What is found beyond this stays in the text.</summary>
    public const int MaxRawBytes = byte.MaxValue * UnitBytes;

    private const int HashLength = 43;
    private const int SignatureLength = 86;

    // The URL-safe alphabet is that of event ids, the standard one that of hashes and signatures.
    private const byte UrlHashMark = 1;
    private const byte HashMark = 2;
    private const byte UrlSignatureMark = 3;
    private const byte SignatureMark = 4;

    private static readonly SearchValues<byte> Marks = SearchValues.Create([UrlHashMark, HashMark, UrlSignatureMark, SignatureMark]);

    private static readonly SearchValues<byte> Alphabets =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"u8);

    /// <summary>Splits a body; the folded text is never longer than it.</summary>
    /// <param name="text">At least as long as the body.</param>
    /// <param name="raw">Of <see cref="MaxRawBytes"/>; takes the random bytes, in multiples of <see cref="UnitBytes"/>.</param>
    /// <returns>False if the body has control characters of its own.</returns>
    public static bool TryFold(ReadOnlySpan<byte> body, Span<byte> text, Span<byte> raw, out int textLength, out int rawLength)
    {
        textLength = 0;
        rawLength = 0;
        if (body.ContainsAny(Marks))
        {
            return false;
        }

        for (var at = 0; at < body.Length;)
        {
            var run = body[at..].IndexOfAnyExcept(Alphabets);
            run = run < 0 ? body.Length - at : run;
            var isUrl = at > 0 && body[at - 1] is (byte)'$' or (byte)'!';
            var bytes = run == HashLength ? UnitBytes : 2 * UnitBytes;
            if (run is HashLength or SignatureLength
                && rawLength + bytes <= MaxRawBytes
                && Decode(body.Slice(at, run), isUrl, raw[rawLength..]) is var mark and > 0)
            {
                text[textLength++] = mark;
                rawLength += bytes;
            }
            else
            {
                body.Slice(at, run).CopyTo(text[textLength..]);
                textLength += run;
            }

            at += run;
            if (at < body.Length)
            {
                text[textLength++] = body[at++];
            }
        }

        return true;
    }

    /// <summary>How many raw bytes the marks of a folded text, or of a piece of it, stand for.</summary>
    public static int RawLength(ReadOnlySpan<byte> text)
    {
        var (hashes, signatures) = CountMarks(text);
        return (hashes + (2 * signatures)) * UnitBytes;
    }

    /// <summary>Joins what <see cref="TryFold"/> split; null if the two do not belong together.</summary>
    public static byte[]? Unfold(ReadOnlySpan<byte> text, ReadOnlySpan<byte> raw)
    {
        var (hashes, signatures) = CountMarks(text);
        if ((hashes + (2 * signatures)) * UnitBytes != raw.Length)
        {
            return null;
        }

        var body = new byte[text.Length + (hashes * (HashLength - 1)) + (signatures * (SignatureLength - 1))];
        var at = 0;
        while (text.IndexOfAny(Marks) is var next and >= 0)
        {
            text[..next].CopyTo(body.AsSpan(at));
            at += next;
            var bytes = text[next] is UrlHashMark or HashMark ? UnitBytes : 2 * UnitBytes;
            at += Encode(raw[..bytes], text[next] is UrlHashMark or UrlSignatureMark, body.AsSpan(at));
            raw = raw[bytes..];
            text = text[(next + 1)..];
        }

        text.CopyTo(body.AsSpan(at));
        return body;
    }

    private static (int Hashes, int Signatures) CountMarks(ReadOnlySpan<byte> text)
    {
        var (hashes, signatures) = (0, 0);
        while (text.IndexOfAny(Marks) is var next and >= 0)
        {
            _ = text[next] is UrlHashMark or HashMark ? hashes++ : signatures++;
            text = text[(next + 1)..];
        }

        return (hashes, signatures);
    }

    /// <summary>The mark to put instead, 0 if these letters do not come back from the bytes they stand for.</summary>
    private static byte Decode(ReadOnlySpan<byte> letters, bool isUrl, Span<byte> bytes)
    {
        Span<byte> url = stackalloc byte[SignatureLength];
        Span<byte> again = stackalloc byte[SignatureLength];
        url = url[..letters.Length];
        again = again[..letters.Length];
        letters.CopyTo(url);
        if (letters.ContainsAny((byte)'-', (byte)'_'))
        {
            if (letters.ContainsAny((byte)'+', (byte)'/'))
            {
                return 0;
            }

            isUrl = true;
        }
        else if (letters.ContainsAny((byte)'+', (byte)'/'))
        {
            isUrl = false;
            url.Replace((byte)'+', (byte)'-');
            url.Replace((byte)'/', (byte)'_');
        }

        if (Base64Url.DecodeFromUtf8(url, bytes, out _, out var written) != OperationStatus.Done
            || Base64Url.EncodeToUtf8(bytes[..written], again) != url.Length
            || !again.SequenceEqual(url))
        {
            return 0;
        }

        return letters.Length == HashLength
            ? isUrl ? UrlHashMark : HashMark
            : isUrl ? UrlSignatureMark : SignatureMark;
    }

    private static int Encode(ReadOnlySpan<byte> bytes, bool isUrl, Span<byte> letters)
    {
        var length = Base64Url.EncodeToUtf8(bytes, letters);
        if (!isUrl)
        {
            letters[..length].Replace((byte)'-', (byte)'+');
            letters[..length].Replace((byte)'_', (byte)'/');
        }

        return length;
    }
}
