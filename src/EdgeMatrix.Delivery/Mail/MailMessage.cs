using System.Globalization;
using System.Text;

namespace EdgeMatrix.Delivery.Mail;

/// <summary>A mail, before it is written as it goes over the wire.</summary>
/// <param name="To">An address as <see cref="EmailAddress.Canonical"/> gives it.</param>
/// <param name="Text">Plain text; lines end with a line feed.</param>
public sealed record MailMessage(string To, string Subject, string Text)
{
    // RFC 2047, 2: "An 'encoded-word' may not be more than 75 characters long"; of base64 that is 45 bytes, less what stands around.
    private const int MaxEncodedBytes = 42;

    /// <summary>The same as HTML; null: there is none.</summary>
    public string? Html { get; init; }

    /// <summary>The URL that whoever wants no more of the kind posts to; null for a mail that was asked for.</summary>
    public string? Unsubscribe { get; init; }

    /// <summary>
    /// Writes it: RFC 5322, in ASCII throughout but for an address that is not (RFC 6532); every line below 78 characters but for long words of
    /// the subject.
    /// </summary>
    /// <param name="from">Of <see cref="EmailOptions.ReadFrom"/>.</param>
    /// <param name="id">Left of the @ in the Message-ID; the right side is the sender's domain.</param>
    public string Write((string Address, string? Name) from, string id, DateTimeOffset date)
    {
        var mail = new StringBuilder();
        Header("From", from.Name is null ? from.Address : $"{Phrase(from.Name)} <{from.Address}>");
        Header("To", To);
        Header("Subject", Encode(Subject));
        Header("Date", date.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss '+0000'", CultureInfo.InvariantCulture));
        Header("Message-ID", $"<{id}{from.Address[from.Address.LastIndexOf('@')..]}>");

        // RFC 3834: nobody is to answer a machine with a machine.
        Header("Auto-Submitted", "auto-generated");
        if (Unsubscribe is not null)
        {
            // RFC 8058
            Header("List-Unsubscribe", $"<{Unsubscribe}>");
            Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
        }

        Header("MIME-Version", "1.0");
        if (Html is null)
        {
            Part("plain", Text);
            return mail.ToString();
        }

        // No line of quoted-printable has "=_" in it: RFC 2045, 6.7.
        var boundary = $"=_{id}";
        Header("Content-Type", $"multipart/alternative; boundary=\"{boundary}\"");
        foreach (var (type, body) in new[] { ("plain", Text), ("html", Html) })
        {
            mail.Append("\r\n--").Append(boundary).Append("\r\n");
            Part(type, body);
        }

        mail.Append("\r\n--").Append(boundary).Append("--\r\n");
        return mail.ToString();

        void Header(string name, string value) => mail.Append(name).Append(": ").Append(value).Append("\r\n");

        void Part(string type, string body)
        {
            Header("Content-Type", $"text/{type}; charset=utf-8");
            Header("Content-Transfer-Encoding", "quoted-printable");
            mail.Append("\r\n");
            QuotedPrintable.Write(mail, body);
        }
    }

    private static string Phrase(string name) => name.All(c => char.IsAsciiLetterOrDigit(c) || c == ' ') ? name : Encode(name);

    // A line break, which would begin another header, is no plain character, and is encoded with the rest.
    private static string Encode(string text)
    {
        if (text.Length <= 60 && text.All(c => c is >= ' ' and <= '~') && !text.Contains("=?", StringComparison.Ordinal))
        {
            return text;
        }

        var words = new StringBuilder();
        var word = new List<byte>();
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in text.EnumerateRunes())
        {
            var length = (Rune.IsControl(rune) ? new Rune(' ') : rune).EncodeToUtf8(utf8);
            if (word.Count + length > MaxEncodedBytes)
            {
                End();
            }

            word.AddRange(utf8[..length]);
        }

        End();
        return words.ToString();

        void End()
        {
            words.Append(words.Length > 0 ? "\r\n " : "").Append("=?utf-8?B?").Append(Convert.ToBase64String([.. word])).Append("?=");
            word.Clear();
        }
    }
}
