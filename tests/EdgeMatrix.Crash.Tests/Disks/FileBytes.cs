namespace EdgeMatrix.Crash.Tests.Disks;

/// <summary>The bytes of a file; it grows by zeros, and without being copied each time.</summary>
internal sealed class FileBytes(byte[] bytes)
{
    private byte[] _bytes = bytes;

    public int Length { get; private set; } = bytes.Length;

    public void SetLength(int length)
    {
        if (length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(length, _bytes.Length * 2));
        }
        else if (length < Length)
        {
            Array.Clear(_bytes, length, Length - length);
        }

        Length = length;
    }

    public void Write(ReadOnlySpan<byte> data, int position)
    {
        SetLength(Math.Max(Length, position + data.Length));
        data.CopyTo(_bytes.AsSpan(position));
    }

    public byte[] ToArray() => _bytes[..Length];
}
