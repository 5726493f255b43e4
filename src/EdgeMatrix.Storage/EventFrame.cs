using System.Buffers.Binary;
using System.Security.Cryptography;

namespace EdgeMatrix.Storage;

/// <summary>
/// What an event shares with others of its sender in its room: all of it but what it says, when, and where it stands. Kept once for
/// all of them, in <c>event_frames</c>.
/// </summary>
/// <param name="Text">A folded object (see <see cref="FoldedBody"/>).</param>
/// <param name="Raw">The hashes that are the same in all the events: auth events, a room id.</param>
internal sealed record EventFrame(byte[] Text, byte[] Raw)
{
    /// <summary>To find an equal one by.</summary>
    public long Hash()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData(Text);
        sha.AppendData(Raw);
        sha.GetHashAndReset(hash);
        return BinaryPrimitives.ReadInt64LittleEndian(hash);
    }

    public bool Is(EventFrame other) => Text.AsSpan().SequenceEqual(other.Text) && Raw.AsSpan().SequenceEqual(other.Raw);
}
