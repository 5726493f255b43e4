using System.Buffers;
using System.Text;

namespace EdgeMatrix.Protocol.Fuzz;

/// <summary>
/// Writes JSON as no honest peer would: every spelling of every character, keys that differ late, numbers at the edges. Half of the
/// documents are spoilt besides, each in one way: by halves of surrogate pairs and bytes that are not UTF-8, by keys that stand twice,
/// by numbers that are no integers in range, or by what is no JSON.
/// </summary>
internal sealed class HostileJson(Chance chance)
{
    // About one node in that many is spoilt, in a document that is to be.
    private const int Rarity = 5;

    private enum Flaw
    {
        None,
        Syntax,
        Numbers,
        Strings,
        Keys,
    }

    private static readonly string[] Keys =
    [
        "", "a", "b", "aa", "A", "type", "content", "\u007f", "\u00e4", "\u65e5", "\u672c", "\uffff", "\uE000", "\U0001F600", "\U00010000",
        "\u2028", "\n", "\\", "\"", "/", "\u0000", "unsigned",
    ];

    private static readonly string[] Integers =
    [
        "0", "1", "-1", "10", "123456789", "9007199254740991", "-9007199254740991", "1700000000000", "4294967296", "-2147483648",
    ];

    private static readonly string[] Strange =
    [
        "-0", "1.0", "0.1", "1e3", "1E400", "-1e-7", "9007199254740992", "-9007199254740992", "18446744073709551616", "1e16", "-0.0",
        "100000000000000000000000000000000", "123456789012345678.9", "01", "1.", ".5", "+1", "0x10", "NaN", "Infinity", "--1", "1e",
    ];

    private static readonly string[] Broken = ["\\ud800", "\\udc00", "\\uD83D\\u0041", "\\x41", "\\u12", "\u0001", "\n", "\\U0001F600", "\\'"];

    private static readonly byte[][] NotUtf8 = [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80]];

    private readonly ArrayBufferWriter<byte> _text = new();
    private Flaw _flaw;

    /// <summary>One document, of an object more often than not.</summary>
    public byte[] Next()
    {
        _text.ResetWrittenCount();
        _flaw = (Flaw)Math.Max(0, chance.Next(8) - 3);
        var nesting = chance.OneIn(50) ? 60 + chance.Next(8) : 0;
        Write(new string('[', nesting));
        if (chance.Next(4) > 0)
        {
            Object(4);
        }
        else
        {
            Value(4);
        }

        Write(new string(']', nesting));
        if (Spoil(Flaw.Syntax))
        {
            Write(chance.Pick(["]", "}", ",", "\0", "1", "//", "\uFEFF"]));
        }

        return _text.WrittenSpan.ToArray();
    }

    /// <summary>Some 100 KB that cost much to read for their size: one short piece over and over, or very many keys in no order.</summary>
    public byte[] NextLarge()
    {
        const int size = 100_000;
        _text.ResetWrittenCount();
        Write("{\"content\":");
        if (chance.OneIn(3))
        {
            Write("{\"\":0");
            for (var key = size / 8; key > 0; key--)
            {
                Write($",\"{key}\":0");
            }

            Write("}}");
            return _text.WrittenSpan.ToArray();
        }

        Write("[");
        var piece = chance.Pick(["0,", "[", "[],", "{},", "{\"a\":", "\"\",", "\"\\n\",", "\"\\u0000\\ud83d\\ude00\",", "1.5e9,", "{\"b\":0,\"a\":0},", " "]);
        for (var written = 0; written < size; written += piece.Length)
        {
            Write(piece);
        }

        Write("0]}");
        return _text.WrittenSpan.ToArray();
    }

    private bool Spoil(Flaw flaw) => _flaw == flaw && chance.OneIn(Rarity);

    private void Value(int depth)
    {
        Space();
        switch (chance.Next(depth > 0 ? 9 : 6))
        {
            case 0 or 1:
                String(null);
                break;
            case 2 or 3:
                Write(Spoil(Flaw.Numbers) ? chance.Pick(Strange) : chance.Pick(Integers));
                break;
            case 4:
                Write(chance.Pick(["true", "false", "null"]));
                break;
            case 5:
                Write(Spoil(Flaw.Syntax) ? chance.Pick(["nul", "True", "undefined", "'a'", ""]) : "0");
                break;
            case 6 or 7:
                Object(depth - 1);
                break;
            default:
                Array(depth - 1);
                break;
        }

        Space();
    }

    private void Object(int depth)
    {
        Write("{");
        var taken = new HashSet<string>();
        var first = true;
        var count = chance.Next(6);
        for (var index = 0; index < count; index++)
        {
            var key = _flaw == Flaw.Keys ? chance.Pick(Keys[..3]) : chance.Next(3) > 0 ? chance.Pick(Keys) : chance.Pick(Keys) + chance.Pick(Keys);
            if (!taken.Add(key) && !Spoil(Flaw.Keys))
            {
                continue;
            }

            if (!first)
            {
                Write(",");
            }

            first = false;

            Space();
            String(key);
            Space();
            Write(":");
            Value(depth);
        }

        Space();
        Write(Spoil(Flaw.Syntax) ? chance.Pick([",}", "]", ""]) : "}");
    }

    private void Array(int depth)
    {
        Write("[");
        var count = chance.Next(4);
        for (var index = 0; index < count; index++)
        {
            if (index > 0)
            {
                Write(",");
            }

            Value(depth);
        }

        Space();
        Write(Spoil(Flaw.Syntax) ? chance.Pick([",]", "}", ""]) : "]");
    }

    // The text as it is, or of its own making, each character in one of its spellings.
    private void String(string? text)
    {
        Write("\"");
        if (text is null)
        {
            text = "";
            for (var length = chance.Next(5); length > 0; length--)
            {
                text += chance.Pick(Keys);
            }
        }

        foreach (var rune in text.EnumerateRunes())
        {
            Character(rune);
        }

        if (Spoil(Flaw.Strings))
        {
            if (chance.OneIn(3))
            {
                _text.Write(chance.Pick(NotUtf8));
            }
            else
            {
                Write(chance.Pick(Broken));
            }
        }

        Write("\"");
    }

    private void Character(Rune rune)
    {
        var text = rune.ToString();
        if (chance.OneIn(4) || rune.Value < 0x20)
        {
            var format = chance.OneIn(2) ? "x4" : "X4";
            foreach (var unit in text)
            {
                Write(unit switch
                {
                    '\n' when chance.OneIn(2) => "\\n",
                    _ => "\\u" + ((int)unit).ToString(format, System.Globalization.CultureInfo.InvariantCulture),
                });
            }

            return;
        }

        Write(text switch
        {
            "\"" => "\\\"",
            "\\" => "\\\\",
            "/" when chance.OneIn(2) => "\\/",
            _ => text,
        });
    }

    private void Space()
    {
        if (chance.OneIn(12))
        {
            Write(chance.Pick([" ", "\n", "\t", "\r\n", "   "]));
        }
        else if (Spoil(Flaw.Syntax) && chance.OneIn(8))
        {
            Write(chance.Pick(["\u00a0", "\f", "\0", "\uFEFF", "/**/"]));
        }
    }

    private void Write(string text) => _text.Write(Encoding.UTF8.GetBytes(text));
}
