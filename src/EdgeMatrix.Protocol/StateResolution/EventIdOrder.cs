namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>Event ids by code point, which is also the order of their UTF-8 bytes.</summary>
internal static class EventIdOrder
{
    // UTF-16, in which strings stand here, has U+E000 to U+FFFF after all that is written with surrogates. Ids of the versions 1 and 2
    // may hold both.
    public static int Compare(string left, string right)
    {
        var common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
        {
            return left.Length.CompareTo(right.Length);
        }

        var (a, b) = (left[common], right[common]);
        return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b) : char.IsSurrogate(a) ? 1 : -1;
    }
}
