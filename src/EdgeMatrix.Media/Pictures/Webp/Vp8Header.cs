using System.Buffers.Binary;

namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>What stands at the start of a key frame.</summary>
/// <remarks>RFC 6386, sections 9.2 to 9.11 and 19.2</remarks>
internal sealed class Vp8Header
{
    public const int Segments = 4;

    private const int StartBytes = 10;

    public required BoolReader First { get; init; }

    public required BoolReader[] Partitions { get; init; }

    public bool UpdatesSegmentMap { get; private set; }

    public int[] SegmentProbabilities { get; } = [255, 255, 255];

    public bool SimpleFilter { get; private set; }

    public int Sharpness { get; private set; }

    /// <summary>The strength of the loop filter by segment, for blocks predicted whole.</summary>
    public int[] FilterLevels { get; } = new int[Segments];

    /// <summary>And for those predicted in parts.</summary>
    public int[] FilterLevelsInParts { get; } = new int[Segments];

    public Vp8Factors[] Factors { get; } = new Vp8Factors[Segments];

    public byte[] Coefficients { get; } = Vp8Tables.Coefficients.ToArray();

    /// <summary>How likely a macroblock has coefficients, in 256ths; null: all may have some.</summary>
    public int? SkipProbability { get; private set; }

    public static Vp8Header Read(ReadOnlySpan<byte> data)
    {
        var tag = data[0] | (data[1] << 8) | (data[2] << 16);
        var firstBytes = tag >> 5;
        if ((tag & 1) != 0 || firstBytes > data.Length - StartBytes)
        {
            throw new InvalidDataException("No key frame");
        }

        var first = new BoolReader(data.Slice(StartBytes, firstBytes));

        // "color_space" and "clamping_type": nothing follows from them here.
        first.Literal(2);
        var segments = new SegmentHeader(first);
        var simple = first.Flag();
        var level = first.Literal(6);
        var sharpness = first.Literal(3);
        var (intra, inParts) = ReadFilterDeltas(first);
        var partitions = 1 << first.Literal(2);
        var header = new Vp8Header
        {
            First = first,
            Partitions = Divide(data[(StartBytes + firstBytes)..], partitions),
            UpdatesSegmentMap = segments.UpdatesMap,
            SimpleFilter = simple,
            Sharpness = sharpness,
        };
        segments.Probabilities.CopyTo(header.SegmentProbabilities, 0);
        header.ReadFactors(segments);
        for (var i = 0; i < Segments; i++)
        {
            var ofSegment = Math.Clamp(segments.Value(segments.Filter, i, level), 0, 63);
            header.FilterLevels[i] = level == 0 ? 0 : Math.Clamp(ofSegment + intra, 0, 63);
            header.FilterLevelsInParts[i] = level == 0 ? 0 : Math.Clamp(ofSegment + intra + inParts, 0, 63);
        }

        // "refresh_entropy_probs" concerns the next frame, and there is none.
        first.Flag();
        for (var i = 0; i < header.Coefficients.Length; i++)
        {
            if (first.Bool(Vp8Tables.CoefficientUpdates[i]))
            {
                header.Coefficients[i] = (byte)first.Literal(8);
            }
        }

        header.SkipProbability = first.Flag() ? first.Literal(8) : null;
        return header;
    }

    private void ReadFactors(SegmentHeader segments)
    {
        var index = First.Literal(7);
        var deltas = new int[5];
        for (var i = 0; i < deltas.Length; i++)
        {
            deltas[i] = First.OptionalSigned(4);
        }

        for (var i = 0; i < Segments; i++)
        {
            Factors[i] = Vp8Factors.Of(segments.Value(segments.Quantizer, i, index), deltas);
        }
    }

    // Deltas of the filter for blocks of this frame, and for those in parts: the first of four each.
    private static (int Intra, int InParts) ReadFilterDeltas(BoolReader first)
    {
        var deltas = new int[8];
        if (first.Flag() && first.Flag())
        {
            for (var i = 0; i < deltas.Length; i++)
            {
                deltas[i] = first.OptionalSigned(6);
            }
        }

        return (deltas[0], deltas[4]);
    }

    private static BoolReader[] Divide(ReadOnlySpan<byte> data, int count)
    {
        var sizes = data;
        var at = 3 * (count - 1);
        if (at > data.Length)
        {
            throw new InvalidDataException("The picture ends early");
        }

        var partitions = new BoolReader[count];
        for (var i = 0; i < count; i++, sizes = i < count ? sizes[3..] : sizes)
        {
            var left = data.Length - at;
            var bytes = i < count - 1 ? Math.Min(left, sizes[0] | (sizes[1] << 8) | (sizes[2] << 16)) : left;
            partitions[i] = new BoolReader(data.Slice(at, bytes));
            at += bytes;
        }

        return partitions;
    }

    // Section 9.3: what differs in the segments of the frame.
    private sealed class SegmentHeader
    {
        private readonly bool _absolute;

        public SegmentHeader(BoolReader first)
        {
            if (!first.Flag())
            {
                return;
            }

            UpdatesMap = first.Flag();
            if (first.Flag())
            {
                _absolute = first.Flag();
                Quantizer = Read(7);
                Filter = Read(6);
            }

            for (var i = 0; UpdatesMap && i < Probabilities.Length; i++)
            {
                Probabilities[i] = first.Flag() ? first.Literal(8) : 255;
            }

            int[] Read(int bits)
            {
                var values = new int[Segments];
                for (var i = 0; i < Segments; i++)
                {
                    values[i] = first.OptionalSigned(bits);
                }

                return values;
            }
        }

        public bool UpdatesMap { get; }

        public int[] Probabilities { get; } = [255, 255, 255];

        public int[]? Quantizer { get; }

        public int[]? Filter { get; }

        public int Value(int[]? ofSegments, int segment, int ofFrame) =>
            ofSegments is null ? ofFrame : _absolute ? ofSegments[segment] : ofFrame + ofSegments[segment];
    }
}

/// <summary>What the coefficients of a macroblock are multiplied by.</summary>
/// <remarks>RFC 6386, section 14.1</remarks>
internal readonly record struct Vp8Factors(int LumaDc, int LumaAc, int SecondDc, int SecondAc, int ChromaDc, int ChromaAc)
{
    public static Vp8Factors Of(int index, int[] deltas)
    {
        return new Vp8Factors(
            Dc(deltas[0]), Ac(0), Dc(deltas[1]) * 2, Math.Max(Ac(deltas[2]) * 155 / 100, 8), Math.Min(Dc(deltas[3]), 132), Ac(deltas[4]));

        // The index of the segment is bounded before the delta is added, and their sum again.
        int At(int delta) => Math.Clamp(Math.Clamp(index, 0, 127) + delta, 0, 127);
        int Dc(int delta) => Vp8Tables.DcFactors[At(delta)];
        int Ac(int delta) => Vp8Tables.AcFactors[At(delta)];
    }
}
