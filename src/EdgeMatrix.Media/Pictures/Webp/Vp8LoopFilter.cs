namespace EdgeMatrix.Media.Pictures.Webp;

/// <summary>Smooths the edges between blocks, when the whole frame is there.</summary>
/// <remarks>RFC 6386, section 15</remarks>
internal static class Vp8LoopFilter
{
    /// <param name="inner">Whether edges within the macroblock are filtered too.</param>
    public static void Filter(Vp8Frame frame, bool simple, int sharpness, int column, int row, int level, bool inner)
    {
        if (level == 0)
        {
            return;
        }

        var interior = level >> (sharpness > 4 ? 2 : sharpness > 0 ? 1 : 0);
        interior = Math.Max(1, sharpness > 0 ? Math.Min(interior, 9 - sharpness) : interior);
        var limits = new Limits(((level + 2) * 2) + interior, (level * 2) + interior, interior, level >= 40 ? 2 : level >= 15 ? 1 : 0);
        Edges(frame.Y, column * 16, row * 16, 16, limits, inner, simple);
        if (!simple)
        {
            Edges(frame.U, column * 8, row * 8, 8, limits, inner, simple);
            Edges(frame.V, column * 8, row * 8, 8, limits, inner, simple);
        }
    }

    private static void Edges(Plane plane, int left, int top, int side, Limits limits, bool inner, bool simple)
    {
        var at = plane.At(left, top);
        Along(plane.Samples, at, across: 1, along: plane.Stride, side, limits, outer: left > 0, inner, simple);
        Along(plane.Samples, at, across: plane.Stride, along: 1, side, limits, outer: top > 0, inner, simple);
    }

    private static void Along(byte[] samples, int at, int across, int along, int side, Limits limits, bool outer, bool inner, bool simple)
    {
        for (var edge = outer ? 0 : 4; edge < (inner ? side : 1); edge += 4)
        {
            for (var i = 0; i < side; i++)
            {
                var q0 = at + (edge * across) + (i * along);
                if (simple)
                {
                    Simple(samples, q0, across, edge == 0 ? limits.Outer : limits.Inner);
                }
                else if (edge == 0)
                {
                    Outer(samples, q0, across, limits);
                }
                else
                {
                    Inner(samples, q0, across, limits);
                }
            }
        }
    }

    private static void Simple(byte[] s, int q0, int step, int limit)
    {
        if (IsWithin(s, q0, step, limit))
        {
            Adjust(s, q0, step, outerTaps: true);
        }
    }

    private static void Inner(byte[] s, int q0, int step, Limits limits)
    {
        if (!IsSmooth(s, q0, step, limits.Inner, limits.Interior))
        {
            return;
        }

        var varies = Varies(s, q0, step, limits.Threshold);
        var a = (Adjust(s, q0, step, varies) + 1) >> 1;
        if (!varies)
        {
            Move(s, q0 + step, q0 - (2 * step), a);
        }
    }

    private static void Outer(byte[] s, int q0, int step, Limits limits)
    {
        if (!IsSmooth(s, q0, step, limits.Outer, limits.Interior))
        {
            return;
        }

        if (Varies(s, q0, step, limits.Threshold))
        {
            Adjust(s, q0, step, outerTaps: true);
            return;
        }

        var w = Bound(Bound(s[q0 - (2 * step)] - s[q0 + step]) + (3 * (s[q0] - s[q0 - step])));
        Move(s, q0, q0 - step, Bound(((27 * w) + 63) >> 7));
        Move(s, q0 + step, q0 - (2 * step), Bound(((18 * w) + 63) >> 7));
        Move(s, q0 + (2 * step), q0 - (3 * step), Bound(((9 * w) + 63) >> 7));
    }

    private static int Adjust(byte[] s, int q0, int step, bool outerTaps)
    {
        var a = Bound((outerTaps ? Bound(s[q0 - (2 * step)] - s[q0 + step]) : 0) + (3 * (s[q0] - s[q0 - step])));
        var b = Bound(a + 3) >> 3;
        a = Bound(a + 4) >> 3;
        s[q0] = Sample(s[q0] - a);
        s[q0 - step] = Sample(s[q0 - step] + b);
        return a;
    }

    private static void Move(byte[] s, int q, int p, int by)
    {
        s[q] = Sample(s[q] - by);
        s[p] = Sample(s[p] + by);
    }

    private static bool IsWithin(byte[] s, int q0, int step, int limit) =>
        (Math.Abs(s[q0 - step] - s[q0]) * 2) + (Math.Abs(s[q0 - (2 * step)] - s[q0 + step]) >> 1) <= limit;

    private static bool IsSmooth(byte[] s, int q0, int step, int limit, int interior) =>
        IsWithin(s, q0, step, limit)
        && Near(s, q0 - (4 * step), step, interior) && Near(s, q0 - (3 * step), step, interior) && Near(s, q0 - (2 * step), step, interior)
        && Near(s, q0, step, interior) && Near(s, q0 + step, step, interior) && Near(s, q0 + (2 * step), step, interior);

    private static bool Varies(byte[] s, int q0, int step, int threshold) =>
        !Near(s, q0 - (2 * step), step, threshold) || !Near(s, q0, step, threshold);

    private static bool Near(byte[] s, int at, int step, int limit) => Math.Abs(s[at] - s[at + step]) <= limit;

    private static int Bound(int value) => Math.Clamp(value, -128, 127);

    private static byte Sample(int value) => (byte)Math.Clamp(value, 0, 255);

    private readonly record struct Limits(int Outer, int Inner, int Interior, int Threshold);
}
