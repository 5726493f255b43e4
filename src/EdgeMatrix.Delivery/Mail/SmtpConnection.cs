using System.Net.Security;
using System.Text;

namespace EdgeMatrix.Delivery.Mail;

/// <summary>An answer of a mail server.</summary>
/// <param name="Lines">What stands behind the code in each line, one at least.</param>
internal sealed record SmtpReply(int Code, IReadOnlyList<string> Lines)
{
    public bool IsGood => Code is >= 200 and < 400;

    public bool IsForGood => Code >= 500;

    public override string ToString() => $"{Code} {Lines[0]}";
}

/// <summary>The mail server does not speak SMTP, or not as it must here.</summary>
internal sealed class SmtpException(string message) : Exception(message);

/// <summary>One conversation with a mail server: commands and their answers.</summary>
/// <remarks>RFC 5321, 4.2</remarks>
internal sealed class SmtpConnection(Stream stream) : IAsyncDisposable
{
    // "The maximum total length of a reply line … is 512 octets": some write more.
    private const int MaxLine = 2_048;
    private const int MaxLines = 100;

    private readonly byte[] _buffer = new byte[MaxLine];
    private Stream _stream = stream;
    private int _filled;

    public bool IsSecure => _stream is SslStream;

    /// <summary>Goes over to TLS.</summary>
    /// <param name="certificate">Judges the certificate; null: as the machine does.</param>
    public async Task SecureAsync(string host, RemoteCertificateValidationCallback? certificate, CancellationToken cancellation)
    {
        // RFC 3207, 6, and CVE-2011-0411: what came before the handshake anybody on the way may have written.
        if (_filled > 0)
        {
            throw new SmtpException("The mail server said something before TLS began");
        }

        var secure = new SslStream(_stream, leaveInnerStreamOpen: false);
        _stream = secure;
        await secure.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = host, RemoteCertificateValidationCallback = certificate }, cancellation);
    }

    /// <param name="command">One line, without its end; in ASCII, but for addresses where the server takes others.</param>
    public async Task<SmtpReply> AskAsync(string command, CancellationToken cancellation)
    {
        if (command.AsSpan().IndexOfAny('\r', '\n', '\0') >= 0)
        {
            throw new ArgumentException("A command is one line", nameof(command));
        }

        await _stream.WriteAsync(Encoding.UTF8.GetBytes(command + "\r\n"), cancellation);
        await _stream.FlushAsync(cancellation);
        return await ReadAsync(cancellation);
    }

    /// <summary>Sends a mail after <c>DATA</c> was let through.</summary>
    /// <param name="mail">Every line ends with CR LF; in ASCII, but for addresses where the server takes others.</param>
    public async Task<SmtpReply> SendAsync(string mail, CancellationToken cancellation)
    {
        // RFC 5321, 4.5.2: "If the first character of the line is a period, one additional period is inserted".
        var stuffed = mail.Replace("\r\n.", "\r\n..", StringComparison.Ordinal);
        await _stream.WriteAsync(Encoding.UTF8.GetBytes(stuffed + ".\r\n"), cancellation);
        await _stream.FlushAsync(cancellation);
        return await ReadAsync(cancellation);
    }

    public async Task<SmtpReply> ReadAsync(CancellationToken cancellation)
    {
        var lines = new List<string>();
        while (lines.Count < MaxLines)
        {
            var line = await ReadLineAsync(cancellation);
            if (line.Length < 3 || !int.TryParse(line.AsSpan(0, 3), out var code) || code is < 200 or > 599 || (line.Length > 3 && line[3] is not (' ' or '-')))
            {
                throw new SmtpException("The mail server does not speak SMTP");
            }

            lines.Add(line.Length > 4 ? line[4..] : "");
            if (line.Length == 3 || line[3] == ' ')
            {
                return new SmtpReply(code, lines);
            }
        }

        throw new SmtpException("The mail server answers without end");
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private async Task<string> ReadLineAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var end = _buffer.AsSpan(0, _filled).IndexOf((byte)'\n');
            if (end >= 0)
            {
                var line = Encoding.Latin1.GetString(_buffer.AsSpan(0, end)).TrimEnd('\r');
                _buffer.AsSpan((end + 1).._filled).CopyTo(_buffer);
                _filled -= end + 1;
                return line;
            }

            if (_filled == MaxLine)
            {
                throw new SmtpException("The mail server answers without end");
            }

            var read = await _stream.ReadAsync(_buffer.AsMemory(_filled), cancellation);
            _filled += read > 0 ? read : throw new SmtpException("The mail server hung up");
        }
    }
}
