using System.Globalization;
using System.Text;

namespace EdgeMatrix.Delivery.Mail;

/// <summary>Text as seven bits in short lines.</summary>
/// <remarks>RFC 2045, 6.7</remarks>
internal static class QuotedPrintable
{
    private const int MaxLine = 76;

    /// <summary>Appends the text, every line with its end.</summary>
    /// <param name="text">Lines end with a line feed.</param>
    public static void Write(StringBuilder to, string text)
    {
        foreach (var line in text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n'))
        {
            var column = 0;
            var bytes = Encoding.UTF8.GetBytes(line);
            for (var i = 0; i < bytes.Length; i++)
            {
                // A space at the end of a line would be lost on the way.
                var plain = bytes[i] is >= (byte)' ' and <= (byte)'~' and not (byte)'=' && (bytes[i] != ' ' || i < bytes.Length - 1);
                if (column + (plain ? 1 : 3) > MaxLine - 1)
                {
                    to.Append("=\r\n");
                    column = 0;
                }

                _ = plain ? to.Append((char)bytes[i]) : to.Append(CultureInfo.InvariantCulture, $"={bytes[i]:X2}");
                column += plain ? 1 : 3;
            }

            to.Append("\r\n");
        }
    }
}
