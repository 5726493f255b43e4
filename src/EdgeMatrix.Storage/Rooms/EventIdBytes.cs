using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace EdgeMatrix.Storage.Rooms;

/// <summary>Event ids as stored: the 32 bytes of the hash where the id is one, the text of the id otherwise.</summary>
internal static class EventIdBytes
{
    private const int HashBytes = 32;

    public static byte[] Encode(string eventId)
    {
        if (eventId.Length == 44 && eventId[0] == '$' && eventId.AsSpan(1).IndexOfAny('+', '/') < 0)
        {
            Span<byte> hash = stackalloc byte[HashBytes + 1];
            // Only an id that comes back letter for letter may be kept as its hash: the last letter has spare bits.
            if (Base64Url.DecodeFromChars(eventId.AsSpan(1), hash, out _, out var written) == OperationStatus.Done
                && written == HashBytes
                && Base64Url.EncodeToString(hash[..HashBytes]).AsSpan().SequenceEqual(eventId.AsSpan(1)))
            {
                return hash[..HashBytes].ToArray();
            }
        }

        var text = Encoding.UTF8.GetBytes(eventId);
        // A text of 32 bytes would read as a hash: a trailing NUL, which no id holds, tells them apart.
        return text.Length == HashBytes ? [.. text, 0] : text;
    }

    public static bool IsHash(ReadOnlySpan<byte> stored) => stored.Length == HashBytes;

    public static string Decode(ReadOnlySpan<byte> stored) =>
        stored.Length == HashBytes ? "$" + Base64Url.EncodeToString(stored) : Encoding.UTF8.GetString(stored.TrimEnd((byte)0));
}
