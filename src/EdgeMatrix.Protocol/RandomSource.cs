namespace EdgeMatrix.Protocol;

/// <summary>Where every random byte of the server comes from, so that a test can replay a whole run from one seed. Thread safe.</summary>
public abstract class RandomSource
{
    private const string Base62Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>Overwrites all of <paramref name="bytes"/>.</summary>
    public abstract void Fill(Span<byte> bytes);

    /// <summary>Letters and digits, each equally likely: 5.95 bits of chance a character.</summary>
    public string Base62(int length)
    {
        // 248 is the greatest multiple of 62 in a byte: what lies above it would favour the first characters.
        const int fairLimit = 248;
        return string.Create(length, this, static (characters, source) =>
        {
            Span<byte> bytes = stackalloc byte[64];
            var filled = 0;
            while (filled < characters.Length)
            {
                source.Fill(bytes);
                foreach (var value in bytes)
                {
                    if (value < fairLimit && filled < characters.Length)
                    {
                        characters[filled++] = Base62Alphabet[value % 62];
                    }
                }
            }
        });
    }
}
