using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace EdgeMatrix.Serving;

/// <summary>Where the server listens: plain or TLS, an address, a port. Port 0 takes a free one.</summary>
/// <param name="Address"><see cref="IPAddress.IPv6Any"/> stands for every address, IPv4 too.</param>
public sealed record Listener(bool Tls, IPAddress Address, int Port)
{
    /// <summary>Reads <c>http://IP:PORT</c> or <c>https://IP:PORT</c>, where IP may be <c>localhost</c>, or <c>*</c> for every address.</summary>
    public static bool TryParse(string url, [NotNullWhen(true)] out Listener? listener, [NotNullWhen(false)] out string? problem)
    {
        listener = null;
        problem = null;
        var tls = url.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
        var rest = tls ? url["https://".Length..] : url.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? url["http://".Length..] : null;
        if (rest is null)
        {
            problem = $"\"{url}\" must begin with http:// or https://";
            return false;
        }

        var (host, portText) = Split(rest.TrimEnd('/'));
        if (portText is null || !ushort.TryParse(portText, out var port))
        {
            problem = $"\"{url}\" must end in :PORT, 0 to 65535";
            return false;
        }

        if (AddressOf(host) is not { } address)
        {
            problem = $"\"{url}\" must name an IP address, localhost or *";
            return false;
        }

        listener = new Listener(tls, address, port);
        return true;
    }

    private static (string Host, string? Port) Split(string authority)
    {
        var colon = authority.LastIndexOf(':');
        return colon < 0 || authority.EndsWith(']') ? (authority, null) : (authority[..colon], authority[(colon + 1)..]);
    }

    private static IPAddress? AddressOf(string host) => host switch
    {
        "*" => IPAddress.IPv6Any,
        "localhost" => IPAddress.Loopback,
        ['[', .. var inner, ']'] => IPAddress.TryParse(inner, out var v6) ? v6 : null,
        _ when host.Contains(':', StringComparison.Ordinal) => null,
        _ => IPAddress.TryParse(host, out var v4) ? v4 : null,
    };
}
