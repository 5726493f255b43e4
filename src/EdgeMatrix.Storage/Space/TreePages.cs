using System.Buffers.Binary;

namespace EdgeMatrix.Storage.Space;

/// <summary>Counts the pages of one table or index, by going through its b-tree; overflow pages are told by the lengths of what overflows.</summary>
/// <remarks>The SQLite here has no <c>dbstat</c>. Format: https://sqlite.org/fileformat2.html#b_tree_pages</remarks>
internal static class TreePages
{
    private const byte InteriorIndex = 2;
    private const byte InteriorTable = 5;
    private const byte LeafIndex = 10;
    private const byte LeafTable = 13;

    private const int FileHeaderBytes = 100;
    private const int Usable = FreePages.PageBytes;
    private const int OverflowBytes = Usable - 4;
    private const int MaxInTable = Usable - 35;
    private const int MaxInIndex = ((Usable - 12) * 64 / 255) - 23;
    private const int LeastLocal = ((Usable - 12) * 32 / 255) - 23;

    public static long Count(PageReader pages, uint root)
    {
        var page = new byte[FreePages.PageBytes];
        var next = new Stack<uint>([root]);
        long count = 0;
        while (next.TryPop(out var number))
        {
            pages.Read(number, page);
            count += 1 + CountOverflow(page, number == 1 ? FileHeaderBytes : 0, next);
        }

        return count;
    }

    private static long CountOverflow(ReadOnlySpan<byte> page, int header, Stack<uint> children)
    {
        var type = page[header];
        var isInterior = type is InteriorIndex or InteriorTable;
        if (!isInterior && type is not (LeafIndex or LeafTable))
        {
            throw new DatabaseException($"A page has the type {type}, which none has. Restore a backup.");
        }

        if (isInterior)
        {
            children.Push(BinaryPrimitives.ReadUInt32BigEndian(page[(header + 8)..]));
        }

        var cells = BinaryPrimitives.ReadUInt16BigEndian(page[(header + 3)..]);
        var pointers = page[(header + (isInterior ? 12 : 8))..];
        long overflow = 0;
        for (var i = 0; i < cells; i++)
        {
            var cell = page[BinaryPrimitives.ReadUInt16BigEndian(pointers[(2 * i)..])..];
            if (isInterior)
            {
                children.Push(BinaryPrimitives.ReadUInt32BigEndian(cell));
                cell = cell[4..];
            }

            overflow += type == InteriorTable ? 0 : Overflow(Varint(cell), type == LeafTable ? MaxInTable : MaxInIndex);
        }

        return overflow;
    }

    private static long Overflow(long payload, int maxLocal)
    {
        if (payload <= maxLocal)
        {
            return 0;
        }

        var local = LeastLocal + ((payload - LeastLocal) % OverflowBytes);
        var outside = payload - (local <= maxLocal ? local : LeastLocal);
        return (outside + OverflowBytes - 1) / OverflowBytes;
    }

    private static long Varint(ReadOnlySpan<byte> bytes)
    {
        long value = 0;
        for (var i = 0; i < 8; i++)
        {
            value = (value << 7) | (bytes[i] & 0x7FL);
            if (bytes[i] < 0x80)
            {
                return value;
            }
        }

        return (value << 8) | bytes[8];
    }
}
