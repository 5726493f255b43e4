namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>Bits of a lossless picture, the least significant first.</summary>
internal ref struct Vp8lBits(ReadOnlySpan<byte> data)
{
    // A few zeros behind the end do no harm; a stream of them is no picture.
    private const int MaxBeyond = 8;

    private readonly ReadOnlySpan<byte> _data = data;
    private int _next;
    private ulong _bits;
    private int _count;

    /// <param name="count">32 at most.</param>
    public uint Read(int count)
    {
        Fill(count);
        var value = (uint)(_bits & ((1ul << count) - 1));
        Skip(count);
        return value;
    }

    /// <summary>The next bits, which stay; as many as 15 are there.</summary>
    public uint Peek()
    {
        Fill(15);
        return (uint)_bits;
    }

    public void Skip(int count)
    {
        _bits >>= count;
        _count -= count;
    }

    private void Fill(int count)
    {
        while (_count < count)
        {
            if (_next < _data.Length)
            {
                _bits |= (ulong)_data[_next] << _count;
            }
            else if (_next >= _data.Length + MaxBeyond)
            {
                throw new InvalidDataException("The picture ends early");
            }

            _next++;
            _count += 8;
        }
    }
}
