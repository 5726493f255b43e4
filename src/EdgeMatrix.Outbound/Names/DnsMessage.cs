using System.Buffers.Binary;
using System.Text;

namespace EdgeMatrix.Outbound.Names;

internal enum DnsVerdict
{
    /// <summary>Not an answer to the question: forged, stale or broken.</summary>
    NotAnAnswer,

    /// <summary>It did not fit: ask again over TCP.</summary>
    Truncated,

    /// <summary>The server cannot or will not say.</summary>
    Failed,

    Answered,
}

/// <summary>Writes questions for SRV records, and reads answers that anybody may have made.</summary>
/// <remarks>RFC 1035, section 4; RFC 2782; RFC 2308.</remarks>
internal static class DnsMessage
{
    public const int HeaderBytes = 12;

    private const ushort TypeCname = 5;
    private const ushort TypeSoa = 6;
    private const ushort TypeSrv = 33;
    private const ushort ClassInternet = 1;
    private const int NoError = 0;
    private const int NoSuchName = 3;

    private const int MaxNameBytes = 255;
    private const int MaxLabelBytes = 63;
    private const int MaxRecords = 100;
    private const int MaxAliases = 8;

    /// <summary>What holds where nothing is said of how long: five minutes.</summary>
    private const uint DefaultTtlSeconds = 300;

    /// <returns>Null if the name cannot stand in a question.</returns>
    public static byte[]? Question(ushort id, string name)
    {
        var message = new List<byte>(HeaderBytes + name.Length + 6) { (byte)(id >> 8), (byte)id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
        foreach (var label in name.Split('.'))
        {
            if (label.Length is 0 or > MaxLabelBytes || !Ascii.IsValid(label))
            {
                return null;
            }

            message.Add((byte)label.Length);
            message.AddRange(Encoding.ASCII.GetBytes(label));
        }

        message.AddRange([0, 0, (byte)TypeSrv, 0, (byte)ClassInternet]);
        return message.Count - HeaderBytes - 4 <= MaxNameBytes ? [.. message] : null;
    }

    /// <summary>Reads what should answer a question of <see cref="Question"/>.</summary>
    public static (DnsVerdict Verdict, SrvAnswer Answer) Read(ReadOnlySpan<byte> message, ReadOnlySpan<byte> question)
    {
        // The same id, the same question, and a flag that it answers: whoever guesses blindly must guess all of them, and the port.
        if (message.Length < question.Length
            || !message[..2].SequenceEqual(question[..2])
            || (message[2] & 0x80) == 0
            || BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1
            || !Ascii.EqualsIgnoreCase(message[HeaderBytes..question.Length], question[HeaderBytes..]))
        {
            return (DnsVerdict.NotAnAnswer, default);
        }

        if ((message[2] & 0x02) != 0)
        {
            return (DnsVerdict.Truncated, default);
        }

        var code = message[3] & 0x0F;
        if (code is not (NoError or NoSuchName))
        {
            return (DnsVerdict.Failed, default);
        }

        return TryReadRecords(message, question, out var answer) ? (DnsVerdict.Answered, answer) : (DnsVerdict.NotAnAnswer, default);
    }

    private static bool TryReadRecords(ReadOnlySpan<byte> message, ReadOnlySpan<byte> question, out SrvAnswer answer)
    {
        answer = default;
        var answers = BinaryPrimitives.ReadUInt16BigEndian(message[6..]);
        var authorities = BinaryPrimitives.ReadUInt16BigEndian(message[8..]);
        if (answers + authorities > MaxRecords)
        {
            return false;
        }

        var services = new List<(string Owner, SrvRecord Record, uint Ttl)>();
        var aliases = new Dictionary<string, (string Target, uint Ttl)>(StringComparer.OrdinalIgnoreCase);
        uint? negativeTtl = null;
        var at = question.Length;
        for (var i = 0; i < answers + authorities; i++)
        {
            if (!TryReadName(message, ref at, out var owner) || at + 10 > message.Length)
            {
                return false;
            }

            var type = BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
            var ofInternet = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 2)..]) == ClassInternet;
            var ttl = BinaryPrimitives.ReadUInt32BigEndian(message[(at + 4)..]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
            at += 10;
            var end = at + length;
            if (end > message.Length)
            {
                return false;
            }

            if (ofInternet && i < answers && type == TypeSrv)
            {
                if (!TryReadService(message, at, end, out var record))
                {
                    return false;
                }

                services.Add((owner, record, ttl));
            }
            else if (ofInternet && i < answers && type == TypeCname)
            {
                var name = at;
                if (!TryReadName(message, ref name, out var target) || name != end)
                {
                    return false;
                }

                aliases[owner] = (target, ttl);
            }
            else if (ofInternet && i >= answers && type == TypeSoa && length >= 4)
            {
                // "The TTL of this record is set from the minimum of the MINIMUM field of the SOA record and the TTL of the SOA itself".
                negativeTtl = Math.Min(ttl, BinaryPrimitives.ReadUInt32BigEndian(message[(end - 4)..]));
            }

            at = end;
        }

        answer = Select(message, services, aliases, negativeTtl);
        return true;
    }

    // Only what is of the name that was asked for, or of what that is an alias of.
    private static SrvAnswer Select(
        ReadOnlySpan<byte> message,
        List<(string Owner, SrvRecord Record, uint Ttl)> services,
        Dictionary<string, (string Target, uint Ttl)> aliases,
        uint? negativeTtl)
    {
        var at = HeaderBytes;
        TryReadName(message, ref at, out var name);
        var ttl = uint.MaxValue;
        for (var i = 0; i < MaxAliases && aliases.TryGetValue(name, out var alias); i++)
        {
            (name, ttl) = (alias.Target, Math.Min(ttl, alias.Ttl));
        }

        var own = services.Where(service => string.Equals(service.Owner, name, StringComparison.OrdinalIgnoreCase)).ToList();
        ttl = own.Aggregate(ttl, (least, service) => Math.Min(least, service.Ttl));
        return new SrvAnswer(
            [.. own.Select(service => service.Record)],
            TimeSpan.FromSeconds(own.Count > 0 ? ttl : negativeTtl ?? DefaultTtlSeconds));
    }

    private static bool TryReadService(ReadOnlySpan<byte> message, int at, int end, out SrvRecord record)
    {
        record = null!;
        var name = at + 6;
        if (name >= end || !TryReadName(message, ref name, out var target) || name != end)
        {
            return false;
        }

        record = new SrvRecord(
            BinaryPrimitives.ReadUInt16BigEndian(message[at..]),
            BinaryPrimitives.ReadUInt16BigEndian(message[(at + 2)..]),
            BinaryPrimitives.ReadUInt16BigEndian(message[(at + 4)..]),
            target);
        return true;
    }

    /// <summary>A name, which may go on at an earlier place; every jump leads further back, so it ends.</summary>
    private static bool TryReadName(ReadOnlySpan<byte> message, ref int at, out string name)
    {
        name = "";
        var text = new StringBuilder();
        var (place, end, earliest) = (at, -1, at);
        while (place < message.Length)
        {
            var length = message[place];
            if (length == 0)
            {
                at = end < 0 ? place + 1 : end;
                name = text.ToString();
                return true;
            }

            if ((length & 0xC0) == 0xC0)
            {
                if (place + 1 >= message.Length)
                {
                    return false;
                }

                var target = ((length & 0x3F) << 8) | message[place + 1];
                if (target >= earliest)
                {
                    return false;
                }

                end = end < 0 ? place + 2 : end;
                (place, earliest) = (target, target);
                continue;
            }

            if (length > MaxLabelBytes || place + 1 + length > message.Length || text.Length + 1 + length > MaxNameBytes)
            {
                return false;
            }

            if (text.Length > 0)
            {
                text.Append('.');
            }

            foreach (var letter in message.Slice(place + 1, length))
            {
                // What is no letter of a host name would read as something else where it is written into a URL.
                if (!char.IsAsciiLetterOrDigit((char)letter) && letter is not ((byte)'-' or (byte)'_'))
                {
                    return false;
                }

                text.Append((char)letter);
            }

            place += 1 + length;
        }

        return false;
    }
}
