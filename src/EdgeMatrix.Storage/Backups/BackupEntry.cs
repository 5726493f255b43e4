using System.Buffers.Binary;
using System.Text;
using EdgeMatrix.Storage.Media;

namespace EdgeMatrix.Storage.Backups;

/// <summary>
/// What a backup is made of: a plain tar file, of these entries in this order, the media by their hash, and nothing else.
/// <list type="number">
/// <item><c>edgematrix-backup</c>: the line <see cref="FormatLine"/>.</item>
/// <item><c>edgematrix.db</c>: the database, page by page; the signing keys are in it.</item>
/// <item><c>edgematrix.toml</c>: the configuration file, if one is in use.</item>
/// <item><c>self-signed.pem</c>: the certificate that the server made for itself, if it did, with its key.</item>
/// <item><c>media/HH/HASH</c>: the media, as they lie in the data folder.</item>
/// <item><c>SHA256SUMS</c>: a line for each entry before it, as <c>sha256sum --check</c> reads them.</item>
/// </list>
/// </summary>
/// <remarks>
/// Headers say nothing that changes from one day to the next, and nothing is compressed: what stayed the same is the same bytes in the same
/// order, which programs that store or send only what is new (borg, restic, rsync) find. As there is one way to
/// write each entry, a reader takes that one alone: any other byte is an error.
/// </remarks>
internal static class BackupEntry
{
    public const string Format = "edgematrix-backup";
    public const string FormatLine = "EdgeMatrix backup, format 1\n";
    public const string Database = "edgematrix.db";
    public const string Configuration = "edgematrix.toml";
    public const string Certificate = "self-signed.pem";
    public const string Media = "media";
    public const string Sums = "SHA256SUMS";

    /// <summary>A header, and what the bytes of an entry are filled up to, is as long.</summary>
    public const int BlockBytes = 512;

    private const int MaxName = 100;
    private const int SizeAt = 124;
    private const int SizeDigits = 11;
    private const int ChecksumAt = 148;

    /// <summary>The one header of an entry: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html, "ustar Interchange Format".</summary>
    /// <param name="name">At most 100 ASCII characters.</param>
    public static byte[] Header(string name, long size)
    {
        var header = new byte[BlockBytes];
        Put(0, name);
        Put(100, "0000600\0");
        Put(108, "0000000\0");
        Put(116, "0000000\0");
        PutSize(header, size);
        Put(136, "00000000000\0");
        Put(ChecksumAt, "        ");
        Put(156, "0");
        Put(257, "ustar\000");
        var sum = 0;
        foreach (var octet in header)
        {
            sum += octet;
        }

        Put(ChecksumAt, Octal(sum, 6) + "\0 ");
        return header;

        void Put(int at, string text) => Encoding.ASCII.GetBytes(text, header.AsSpan(at));
    }

    /// <summary>The name and size of an entry; null where the header is not one that <see cref="Header"/> makes.</summary>
    public static (string Name, long Size)? Read(ReadOnlySpan<byte> header)
    {
        var end = header[..MaxName].IndexOf((byte)0);
        var name = Encoding.ASCII.GetString(header[..(end < 0 ? MaxName : end)]);
        return ReadSize(header.Slice(SizeAt, SizeDigits + 1)) is { } size && header.SequenceEqual(Header(name, size)) ? (name, size) : null;
    }

    /// <summary>Where in the order an entry stands; null: it has no place in a backup.</summary>
    public static int? PlaceOf(string name) => name switch
    {
        Format => 0,
        Database => 1,
        Configuration => 2,
        Certificate => 3,
        Sums => 5,
        _ => IsMedia(name) ? 4 : null,
    };

    public static bool IsMedia(string name) =>
        name.Split('/') is [Media, { Length: 2 } start, { Length: 62 } rest] && MediaHash.TryParse(start + rest, out _);

    /// <summary>How many zero bytes follow the bytes of an entry.</summary>
    public static int Padding(long size) => (int)(-size & (BlockBytes - 1));

    private static string Octal(long number, int digits) => Convert.ToString(number, 8).PadLeft(digits, '0');

    // Above 8 GiB as GNU tar has it: the first bit set, then the number itself.
    private static void PutSize(byte[] header, long size)
    {
        if (Octal(size, SizeDigits) is { Length: SizeDigits } octal)
        {
            Encoding.ASCII.GetBytes(octal, header.AsSpan(SizeAt));
            return;
        }

        header[SizeAt] = 0x80;
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(SizeAt + 4), size);
    }

    private static long? ReadSize(ReadOnlySpan<byte> field)
    {
        if (field[0] == 0x80)
        {
            return BinaryPrimitives.ReadInt64BigEndian(field[4..]) is > 0 and var large ? large : null;
        }

        long size = 0;
        foreach (var digit in field[..SizeDigits])
        {
            if (digit is < (byte)'0' or > (byte)'7')
            {
                return null;
            }

            size = (size * 8) + (digit - '0');
        }

        return size;
    }
}
