using System.Text;

namespace EdgeMatrix.Protocol.Fuzz;

/// <summary>Makes another input of some: bits and bytes changed, pieces cut, doubled, moved in from elsewhere, and words of JSON put in.</summary>
internal sealed class Mutator(Chance chance)
{
    private const int MaxLength = 16_384;

    private static readonly byte[][] Words = [.. new[]
    {
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\ud83d\\ude00", "\\u0000", "\u2028", "\u007f", "\uFEFF", "-0",
        "0", "1.5", "1e999", "9007199254740991", "9007199254740992", "-9007199254740993", "null", "true", "[[[[[[[[", "{\"a\":", "\"a\":1,",
        "\"type\":\"m.room.member\",", "\"unsigned\":{},", "\"signatures\":{}", "\"content\":{}", "\"state_key\":\"\",", "\"room_id\":\"!a:b\",",
        "\"event_id\":\"$a:b\",", "\"redacts\":1,", "\"membership\":\"join\",", "\"hashes\":{\"sha256\":\"\"},", "$", "@", "!", ":",
    }.Select(Encoding.UTF8.GetBytes)];

    public byte[] Change(byte[] original, byte[] other)
    {
        var changed = new List<byte>(original);
        for (var times = chance.OneIn(2) ? 1 : 2 + chance.Next(3); times > 0; times--)
        {
            ChangeOnce(changed, other);
        }

        if (changed.Count > MaxLength)
        {
            changed.RemoveRange(MaxLength, changed.Count - MaxLength);
        }

        return [.. changed];
    }

    private void ChangeOnce(List<byte> bytes, byte[] other)
    {
        var at = chance.Next(bytes.Count + 1);
        var length = Math.Min(1 + chance.Next(chance.OneIn(4) ? 200 : 8), bytes.Count - at);
        switch (chance.Next(8))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << chance.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = (byte)chance.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 4:
                var from = chance.Next(other.Length + 1);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(other.Length - from, chance.Next(100))).ToArray());
                break;
            case 5 when at < bytes.Count && bytes[at] is >= (byte)'0' and <= (byte)'9':
                bytes[at] = (byte)('0' + chance.Next(10));
                break;
            default:
                bytes.InsertRange(at, chance.Pick(Words));
                break;
        }
    }
}
