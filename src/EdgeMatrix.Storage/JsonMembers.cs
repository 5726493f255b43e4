namespace EdgeMatrix.Storage;

/// <summary>The members of an object without white space; what is none has fewer, so that it is not joined to the same again.</summary>
internal ref struct JsonMembers(ReadOnlySpan<byte> text)
{
    private ReadOnlySpan<byte> _left = text.IsEmpty ? text : text[1..];

    /// <summary>The key, as it is escaped.</summary>
    public ReadOnlySpan<byte> Key { get; private set; }

    /// <summary>Key and value.</summary>
    public ReadOnlySpan<byte> Member { get; private set; }

    public bool Next()
    {
        var length = Length(_left);
        if (length == 0)
        {
            return false;
        }

        Member = _left[..length];
        var colon = EndOfString(Member, 0);
        Key = Member[..colon].Trim((byte)'"');
        _left = length < _left.Length ? _left[(length + 1)..] : [];
        return true;
    }

    /// <summary>Bytes up to the comma or brace that ends the member.</summary>
    private static int Length(ReadOnlySpan<byte> text)
    {
        var depth = 0;
        for (var at = 0; at < text.Length; at++)
        {
            switch (text[at])
            {
                case (byte)'"':
                    at = EndOfString(text, at) - 1;
                    break;
                case (byte)'{' or (byte)'[':
                    depth++;
                    break;
                case (byte)'}' or (byte)']' when depth > 0:
                    depth--;
                    break;
                case (byte)'}' or (byte)',' when depth == 0:
                    return at;
            }
        }

        return 0;
    }

    private static int EndOfString(ReadOnlySpan<byte> text, int quote)
    {
        var at = Math.Min(quote + 1, text.Length);
        while (text[at..].IndexOfAny((byte)'"', (byte)'\\') is var next and >= 0)
        {
            at += next;
            if (text[at] == '"')
            {
                return at + 1;
            }

            at = Math.Min(at + 2, text.Length);
        }

        return text.Length;
    }
}
