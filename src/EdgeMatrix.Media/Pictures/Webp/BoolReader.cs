using System.Numerics;

namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>The arithmetic decoder of VP8. Behind its end it reads zeros, as others do.</summary>
/// <remarks>RFC 6386, section 7</remarks>
internal sealed class BoolReader
{
    private readonly byte[] _data;
    private int _next;
    private uint _range = 255;

    // The bits that are compared with the range are the eight above the spare ones.
    private ulong _value;
    private int _spare = -8;

    public BoolReader(ReadOnlySpan<byte> data) => _data = data.ToArray();

    /// <param name="probability">Of false, in 256ths.</param>
    public bool Bool(int probability)
    {
        if (_spare < 0)
        {
            for (; _spare <= 40; _spare += 8)
            {
                _value = (_value << 8) | (_next < _data.Length ? _data[_next] : 0u);
                _next++;
            }
        }

        var split = 1 + (((_range - 1) * (uint)probability) >> 8);
        var big = (ulong)split << _spare;
        var bit = _value >= big;
        if (bit)
        {
            _range -= split;
            _value -= big;
        }
        else
        {
            _range = split;
        }

        var shift = BitOperations.LeadingZeroCount(_range) - 24;
        _range <<= shift;
        _spare -= shift;
        return bit;
    }

    public bool Flag() => Bool(128);

    /// <summary>A number without sign, its most significant bit first.</summary>
    public int Literal(int bits)
    {
        var value = 0;
        for (; bits > 0; bits--)
        {
            value = (value << 1) | (Flag() ? 1 : 0);
        }

        return value;
    }

    /// <summary>A number with a sign behind it.</summary>
    public int Signed(int bits)
    {
        var value = Literal(bits);
        return Flag() ? -value : value;
    }

    /// <summary>Such a number if a flag says that there is one; else 0.</summary>
    public int OptionalSigned(int bits) => Flag() ? Signed(bits) : 0;
}
