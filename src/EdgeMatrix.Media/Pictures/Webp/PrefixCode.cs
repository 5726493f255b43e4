namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>A canonical prefix code of a lossless picture: how symbols are written in bits.</summary>
/// <remarks>RFC 9649, section 3.7.2.1</remarks>
internal sealed class PrefixCode
{
    private const int MaxLength = 15;
    private const int TableBits = 8;

    // By the next bits: symbol and length where it fits; else length 0.
    private readonly ushort[] _table;
    private readonly int _tableBits;

    // By length: how many codes, and in their order what they stand for.
    private readonly ushort[] _counts = new ushort[MaxLength + 1];
    private readonly ushort[] _symbols;

    /// <param name="lengths">Of the code of each symbol; 0: it has none.</param>
    public PrefixCode(ReadOnlySpan<byte> lengths)
    {
        foreach (var length in lengths)
        {
            _counts[length]++;
        }

        _counts[0] = 0;
        var used = 0;
        var longest = 0;
        var free = 1;
        var next = new int[MaxLength + 2];
        for (var length = 1; length <= MaxLength; length++)
        {
            next[length] = used;
            used += _counts[length];
            longest = _counts[length] > 0 ? length : longest;
            free = (free << 1) - _counts[length];
            if (free < 0)
            {
                throw new InvalidDataException("Too many codes");
            }
        }

        _symbols = new ushort[used];
        for (var symbol = 0; symbol < lengths.Length; symbol++)
        {
            if (lengths[symbol] > 0)
            {
                _symbols[next[lengths[symbol]]++] = (ushort)symbol;
            }
        }

        if (used == 1)
        {
            // One symbol needs no bits.
            _table = [];
            return;
        }

        if (free != 0)
        {
            throw new InvalidDataException("Too few codes");
        }

        _tableBits = Math.Min(longest, TableBits);
        _table = new ushort[1 << _tableBits];
        FillTable();
    }

    public int Read(ref Vp8lBits bits)
    {
        if (_table.Length == 0)
        {
            return _symbols[0];
        }

        var ahead = bits.Peek();
        var entry = _table[ahead & (_table.Length - 1)];
        if ((entry & 15) is > 0 and var length)
        {
            bits.Skip(length);
            return entry >> 4;
        }

        return ReadLong(ref bits, ahead);
    }

    // Bit by bit, as codes of one length are consecutive numbers.
    private int ReadLong(ref Vp8lBits bits, uint ahead)
    {
        var (code, first, index) = (0, 0, 0);
        for (var length = 1; length <= MaxLength; length++)
        {
            code |= (int)((ahead >> (length - 1)) & 1);
            var count = _counts[length];
            if (code - first < count)
            {
                bits.Skip(length);
                return _symbols[index + code - first];
            }

            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }

        throw new InvalidDataException("No such code");
    }

    private void FillTable()
    {
        var (code, index) = (0, 0);
        for (var length = 1; length <= _tableBits; length++, code <<= 1)
        {
            for (var i = 0; i < _counts[length]; i++, code++)
            {
                // Symbols beyond 12 bits, and there are none so common, take the long way.
                var entry = (ushort)((_symbols[index] << 4) | length);
                if (_symbols[index++] < 1 << 12)
                {
                    for (var at = Reverse(code, length); at < _table.Length; at += 1 << length)
                    {
                        _table[at] = entry;
                    }
                }
            }
        }
    }

    private static int Reverse(int code, int length)
    {
        var reversed = 0;
        for (var i = 0; i < length; i++)
        {
            reversed |= ((code >> i) & 1) << (length - 1 - i);
        }

        return reversed;
    }
}
