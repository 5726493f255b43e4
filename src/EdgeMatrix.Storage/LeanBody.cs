using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace EdgeMatrix.Storage;

/// <summary>
/// What an ordinary message has of its own (see <see cref="FramedBody"/>) without what follows from the rest: the names of its members, the
/// digits of its numbers, and the hash of its content.
/// </summary>
/// <param name="content">The folded text of the member <c>content</c>.</param>
/// <param name="raw">The hashes and signatures of its own, but the hash of its content.</param>
internal readonly ref struct LeanBody(ReadOnlySpan<byte> content, ulong depth, ulong originServerTs, ReadOnlySpan<byte> raw)
{
    /// <summary>Digits of the longest number.</summary>
    private const int MaxDigits = 20;

    // Members of canonical JSON stand in the order of their names. The mark is that of the one event before.
    private static ReadOnlySpan<byte> Begin => "{\"content\":"u8;

    private static ReadOnlySpan<byte> Depth => ",\"depth\":"u8;

    private static ReadOnlySpan<byte> OriginServerTs => ",\"origin_server_ts\":"u8;

    private static ReadOnlySpan<byte> End => ",\"prev_events\":[\"$\u0001\"]}"u8;

    private static ReadOnlySpan<byte> NoHash => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"u8;

    public ReadOnlySpan<byte> Content { get; } = content;

    public ReadOnlySpan<byte> Raw { get; } = raw;

    /// <summary>The two numbers, as they are written.</summary>
    /// <returns>How many bytes they took.</returns>
    public int WriteNumbers(Span<byte> buffer)
    {
        var length = Varint.Write(buffer, depth);
        return length + Varint.Write(buffer[length..], originServerTs);
    }

    /// <summary>Takes what cannot be left out; false if that is not all of the event.</summary>
    /// <param name="ownText">What the event has of its own.</param>
    /// <param name="body">The whole event.</param>
    /// <param name="buffer">At least as long as the raw bytes.</param>
    public static bool TryTake(
        EventFrame frame, ReadOnlySpan<byte> ownText, ReadOnlySpan<byte> ownRaw, ReadOnlySpan<byte> body, Span<byte> buffer, out LeanBody lean)
    {
        lean = default;
        var text = ownText;
        if (!text.StartsWith(Begin)
            || !TryTakeEnd(ref text, End)
            || !TryTakeNumber(ref text, OriginServerTs, out var originServerTs)
            || !TryTakeNumber(ref text, Depth, out var depth))
        {
            return false;
        }

        // The hash comes after the hashes within the content.
        var content = text[Begin.Length..];
        var at = FoldedBody.RawLength(content);
        if (at + FoldedBody.UnitBytes > ownRaw.Length)
        {
            return false;
        }

        ownRaw[..at].CopyTo(buffer);
        ownRaw[(at + FoldedBody.UnitBytes)..].CopyTo(buffer[at..]);
        lean = new LeanBody(content, depth, originServerTs, buffer[..(ownRaw.Length - FoldedBody.UnitBytes)]);
        return lean.Join(frame) is { } joined && body.SequenceEqual(joined);
    }

    /// <summary>The whole event; null if the frame is another's.</summary>
    public byte[]? Join(EventFrame frame)
    {
        var at = FoldedBody.RawLength(Content);
        if (at > Raw.Length)
        {
            return null;
        }

        var pool = ArrayPool<byte>.Shared;
        var own = pool.Rent(Begin.Length + Content.Length + Depth.Length + OriginServerTs.Length + End.Length + (2 * MaxDigits));
        var ownRaw = pool.Rent(Raw.Length + FoldedBody.UnitBytes);
        var ownLength = WriteOwn(own);
        Raw[..at].CopyTo(ownRaw);
        ownRaw.AsSpan(at, FoldedBody.UnitBytes).Clear();
        Raw[at..].CopyTo(ownRaw.AsSpan(at + FoldedBody.UnitBytes));
        var body = FramedBody.Join(frame, own.AsSpan(0, ownLength), ownRaw.AsSpan(0, Raw.Length + FoldedBody.UnitBytes));
        pool.Return(own);
        pool.Return(ownRaw);
        return body is not null && TryHash(body) ? body : null;
    }

    private int WriteOwn(Span<byte> text)
    {
        var at = 0;
        Add(text, Begin);
        Add(text, Content);
        Add(text, Depth);
        AddNumber(text, depth);
        Add(text, OriginServerTs);
        AddNumber(text, originServerTs);
        Add(text, End);
        return at;

        void Add(Span<byte> to, ReadOnlySpan<byte> part)
        {
            part.CopyTo(to[at..]);
            at += part.Length;
        }

        void AddNumber(Span<byte> to, ulong number)
        {
            Utf8Formatter.TryFormat(number, to[at..], out var digits);
            at += digits;
        }
    }

    /// <summary>Writes the hash of its content into an event that has zeros there.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event</remarks>
    private static bool TryHash(Span<byte> body)
    {
        var hashed = ArrayPool<byte>.Shared.Rent(body.Length);
        var (length, place) = (0, -1);
        var members = new JsonMembers(body);
        var from = 0;
        while (members.Next())
        {
            // Each member is followed by one comma or brace.
            from++;
            if (members.Key.SequenceEqual("hashes"u8))
            {
                place = members.Member.IndexOf(NoHash) is var within and >= 0 ? from + within : -1;
            }
            else if (!members.Key.SequenceEqual("signatures"u8) && !members.Key.SequenceEqual("unsigned"u8))
            {
                hashed[length] = length == 0 ? (byte)'{' : (byte)',';
                members.Member.CopyTo(hashed.AsSpan(length + 1));
                length += members.Member.Length + 1;
            }

            from += members.Member.Length;
        }

        if (place >= 0)
        {
            hashed[length++] = (byte)'}';
            Span<byte> letters = stackalloc byte[NoHash.Length + 1];
            Base64.EncodeToUtf8(SHA256.HashData(hashed.AsSpan(0, length)), letters, out _, out _);
            letters[..NoHash.Length].CopyTo(body[place..]);
        }

        ArrayPool<byte>.Shared.Return(hashed);
        return place >= 0;
    }

    private static bool TryTakeEnd(ref ReadOnlySpan<byte> text, ReadOnlySpan<byte> end)
    {
        if (!text.EndsWith(end))
        {
            return false;
        }

        text = text[..^end.Length];
        return true;
    }

    /// <summary>Takes a number and its name off the end. Digits that are not written so again are found when all is joined.</summary>
    private static bool TryTakeNumber(ref ReadOnlySpan<byte> text, ReadOnlySpan<byte> name, out ulong number)
    {
        var digits = text[(text.LastIndexOfAnyExceptInRange((byte)'0', (byte)'9') + 1)..];
        if (!Utf8Parser.TryParse(digits, out number, out var length) || length != digits.Length)
        {
            return false;
        }

        text = text[..^digits.Length];
        return TryTakeEnd(ref text, name);
    }
}
