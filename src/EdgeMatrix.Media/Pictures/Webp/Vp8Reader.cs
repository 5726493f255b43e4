namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>Reads a lossy picture, which is a key frame of VP8: macroblock by macroblock, then smoothed.</summary>
/// <remarks>RFC 6386</remarks>
internal sealed class Vp8Reader
{
    private readonly Vp8Header _header;
    private readonly Vp8Coefficients _coefficients;
    private readonly Vp8Frame _frame;
    private readonly byte[] _levels;
    private readonly bool[] _inner;

    // Of the macroblocks above, and of the one to the left: modes of the four subblocks, and whether blocks have coefficients
    // (four of Y, two of U, two of V, and the second kind).
    private readonly SubblockMode[] _modesAbove;
    private readonly SubblockMode[] _modesLeft = new SubblockMode[4];
    private readonly bool[] _filledAbove;
    private readonly bool[] _filledLeft = new bool[9];

    private readonly SubblockMode[] _modes = new SubblockMode[16];
    private readonly int[] _blocks = new int[25 * 16];

    public Vp8Reader(ReadOnlySpan<byte> data, int width, int height)
    {
        _header = Vp8Header.Read(data);
        _coefficients = new Vp8Coefficients(_header.Coefficients);
        _frame = new Vp8Frame(width, height);
        _levels = new byte[_frame.Columns * _frame.Rows];
        _inner = new bool[_levels.Length];
        _modesAbove = new SubblockMode[_frame.Columns * 4];
        _filledAbove = new bool[_frame.Columns * 9];
    }

    public Vp8Frame Read()
    {
        for (var row = 0; row < _frame.Rows; row++)
        {
            Array.Clear(_modesLeft);
            Array.Clear(_filledLeft);
            for (var column = 0; column < _frame.Columns; column++)
            {
                ReadMacroblock(column, row);
            }
        }

        for (var i = 0; i < _levels.Length; i++)
        {
            Vp8LoopFilter.Filter(
                _frame, _header.SimpleFilter, _header.Sharpness, i % _frame.Columns, i / _frame.Columns, _levels[i], _inner[i]);
        }

        return _frame;
    }

    private void ReadMacroblock(int column, int row)
    {
        var first = _header.First;
        var segment = !_header.UpdatesSegmentMap ? 0
            : first.Bool(_header.SegmentProbabilities[0])
                ? first.Bool(_header.SegmentProbabilities[2]) ? 3 : 2
                : first.Bool(_header.SegmentProbabilities[1]) ? 1 : 0;
        var skip = _header.SkipProbability is { } probability && first.Bool(probability);
        var whole = ReadLumaMode(column);
        var chroma = ReadChromaMode();
        var filled = ReadBlocks(column, row, whole is not null, skip, _header.Factors[segment]);

        if (whole is { } mode)
        {
            Vp8Prediction.PredictWhole(_frame.Y, column * 16, row * 16, 16, mode);
            for (var i = 0; i < 16; i++)
            {
                Add(i, _frame.Y, _frame.Y.At((column * 16) + (i % 4 * 4), (row * 16) + (i / 4 * 4)));
            }
        }
        else
        {
            PredictParts(column, row);
        }

        foreach (var (plane, start) in ((Plane, int)[])[(_frame.U, 16), (_frame.V, 20)])
        {
            Vp8Prediction.PredictWhole(plane, column * 8, row * 8, 8, chroma);
            for (var i = 0; i < 4; i++)
            {
                Add(start + i, plane, plane.At((column * 8) + (i % 2 * 4), (row * 8) + (i / 2 * 4)));
            }
        }

        var at = (row * _frame.Columns) + column;
        _levels[at] = (byte)(whole is null ? _header.FilterLevelsInParts : _header.FilterLevels)[segment];
        _inner[at] = filled || whole is null;
    }

    // Section 11.2. Null: each subblock has its own, in _modes.
    private SubblockMode? ReadLumaMode(int column)
    {
        var first = _header.First;
        if (!first.Bool(145))
        {
            ReadModesOfParts(column);
            return null;
        }

        var mode = first.Bool(156)
            ? first.Bool(128) ? SubblockMode.TrueMotion : SubblockMode.Horizontal
            : first.Bool(163) ? SubblockMode.Vertical : SubblockMode.Dc;
        Array.Fill(_modesLeft, mode);
        Array.Fill(_modesAbove, mode, column * 4, 4);
        return mode;
    }

    private SubblockMode ReadChromaMode()
    {
        var first = _header.First;
        return !first.Bool(142) ? SubblockMode.Dc
            : !first.Bool(114) ? SubblockMode.Vertical
            : first.Bool(183) ? SubblockMode.TrueMotion : SubblockMode.Horizontal;
    }

    private void ReadModesOfParts(int column)
    {
        for (var i = 0; i < 16; i++)
        {
            ref var above = ref _modesAbove[(column * 4) + (i % 4)];
            ref var left = ref _modesLeft[i / 4];
            var p = Vp8Tables.SubblockModes.Slice((((int)above * 10) + (int)left) * 9, 9);
            _modes[i] = above = left = ReadModeOfPart(_header.First, p);
        }
    }

    private static SubblockMode ReadModeOfPart(BoolReader first, ReadOnlySpan<byte> p) =>
        !first.Bool(p[0]) ? SubblockMode.Dc
        : !first.Bool(p[1]) ? SubblockMode.TrueMotion
        : !first.Bool(p[2]) ? SubblockMode.Vertical
        : !first.Bool(p[3])
            ? !first.Bool(p[4]) ? SubblockMode.Horizontal : first.Bool(p[5]) ? SubblockMode.VerticalRight : SubblockMode.RightDown
            : !first.Bool(p[6]) ? SubblockMode.LeftDown
            : !first.Bool(p[7]) ? SubblockMode.VerticalLeft
            : first.Bool(p[8]) ? SubblockMode.HorizontalUp : SubblockMode.HorizontalDown;

    /// <returns>Whether there is a coefficient.</returns>
    private bool ReadBlocks(int column, int row, bool whole, bool skip, Vp8Factors factors)
    {
        Array.Clear(_blocks);
        var above = _filledAbove.AsSpan(column * 9, 9);
        if (skip)
        {
            // The second kind keeps what it knows where this macroblock has none of it.
            var kinds = whole ? 9 : 8;
            above[..kinds].Clear();
            _filledLeft.AsSpan(0, kinds).Clear();
            return false;
        }

        var reader = _header.Partitions[row & (_header.Partitions.Length - 1)];
        var any = false;
        if (whole)
        {
            var second = _blocks.AsSpan(24 * 16, 16);
            any |= ReadBlock(reader, Vp8Coefficients.Second, ref above[8], ref _filledLeft[8], factors.SecondDc, factors.SecondAc, second);
            Span<int> dc = stackalloc int[16];
            Vp8Transform.InverseWalshHadamard(second, dc);
            for (var i = 0; i < 16; i++)
            {
                _blocks[i * 16] = dc[i];
            }
        }

        var kind = whole ? Vp8Coefficients.LumaRest : Vp8Coefficients.Luma;
        for (var i = 0; i < 16; i++)
        {
            any |= ReadBlock(reader, kind, ref above[i % 4], ref _filledLeft[i / 4], factors.LumaDc, factors.LumaAc, _blocks.AsSpan(i * 16, 16));
        }

        for (var i = 0; i < 8; i++)
        {
            // Of U, then of V.
            var plane = 4 + (i / 4 * 2);
            any |= ReadBlock(
                reader,
                Vp8Coefficients.Chroma,
                ref above[plane + (i % 2)],
                ref _filledLeft[plane + (i / 2 % 2)],
                factors.ChromaDc,
                factors.ChromaAc,
                _blocks.AsSpan((16 + i) * 16, 16));
        }

        return any;
    }

    private bool ReadBlock(BoolReader reader, int kind, ref bool above, ref bool left, int dc, int ac, Span<int> block)
    {
        var context = (above ? 1 : 0) + (left ? 1 : 0);
        return above = left = _coefficients.Read(reader, kind, context, dc, ac, block);
    }

    private void PredictParts(int column, int row)
    {
        var plane = _frame.Y;
        Span<byte> edge = stackalloc byte[13];

        // Right of the row above: of the macroblock there, for all four rows; beyond the frame its last sample goes on.
        Span<byte> beyond = stackalloc byte[4];
        var corner = plane.At((column * 16) + 16, (row * 16) - 1);
        if (row > 0 && column == _frame.Columns - 1)
        {
            beyond.Fill(plane.Samples[corner - 1]);
        }
        else
        {
            plane.Samples.AsSpan(corner, 4).CopyTo(beyond);
        }

        for (var i = 0; i < 16; i++)
        {
            var at = plane.At((column * 16) + (i % 4 * 4), (row * 16) + (i / 4 * 4));
            for (var y = 0; y < 4; y++)
            {
                edge[3 - y] = plane.Samples[at + (y * plane.Stride) - 1];
            }

            plane.Samples.AsSpan(at - plane.Stride - 1, 9).CopyTo(edge[4..]);
            if (i % 4 == 3)
            {
                beyond.CopyTo(edge[9..]);
            }

            Vp8Prediction.PredictPart(plane, at, _modes[i], edge);
            Add(i, plane, at);
        }
    }

    private void Add(int block, Plane plane, int at)
    {
        var coefficients = _blocks.AsSpan(block * 16, 16);
        if (coefficients.ContainsAnyExcept(0))
        {
            Vp8Transform.Add(coefficients, plane, at);
        }
    }
}
