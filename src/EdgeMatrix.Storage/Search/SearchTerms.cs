using System.Globalization;
using System.Text;

namespace EdgeMatrix.Storage.Search;

/// <summary>The words of a text, as they are searched for: lower case, nothing but letters, marks and digits.</summary>
public static class SearchTerms
{
    // Of one text; who writes more is found by the beginning of it.
    private const int MaxTerms = 1_000;
    private const int MaxTermLength = 64;

    /// <summary>The words in their order. Scripts that write no spaces give a word for each character.</summary>
    public static List<string> Of(string text)
    {
        var terms = new List<string>();
        var term = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (terms.Count == MaxTerms)
            {
                return terms;
            }

            var alone = IsWrittenWithoutSpaces(rune.Value);
            if (alone || !IsPartOfWord(rune))
            {
                End();
            }

            if (IsPartOfWord(rune) && term.Length < MaxTermLength)
            {
                term.Append(Rune.ToLowerInvariant(rune).ToString());
            }

            if (alone)
            {
                End();
            }
        }

        End();
        return terms;

        void End()
        {
            if (term.Length > 0)
            {
                terms.Add(term.ToString());
                term.Clear();
            }
        }
    }

    private static bool IsPartOfWord(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter
        or UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
        or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    // Thai to Tibetan, Myanmar, Khmer; Kana; Han, of the first plane, its compatibility block and the later planes.
    private static bool IsWrittenWithoutSpaces(int rune) => rune is (>= 0x0E00 and <= 0x0FFF) or (>= 0x1000 and <= 0x109F) or (>= 0x1780 and <= 0x17FF)
        or (>= 0x3040 and <= 0x30FF) or (>= 0x3400 and <= 0x9FFF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x3FFFF);
}
