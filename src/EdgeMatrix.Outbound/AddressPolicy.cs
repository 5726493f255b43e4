using System.Net;
using System.Net.Sockets;

namespace EdgeMatrix.Outbound;

/// <summary>
/// Which addresses the server connects to on behalf of users and other servers: those of the public internet, and what the configuration
/// allows besides (<c>network.allow</c>). Who can make a server fetch a URL shall not reach through it what only the server can.
/// </summary>
/// <remarks>
/// The ranges are those that are not globally reachable by https://www.iana.org/assignments/iana-ipv4-special-registry and
/// https://www.iana.org/assignments/iana-ipv6-special-registry, multicast, and of IPv6 all that is not global unicast.
/// </remarks>
public sealed class AddressPolicy(IReadOnlyList<string> allowed)
{
    private static readonly IPNetwork[] _notGlobal4 = Parse(
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4");

    // Teredo and 6to4 addresses hold an IPv4 address, which need not be global.
    private static readonly IPNetwork[] _notGlobal6 = Parse("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20");

    private static readonly IPNetwork _globalUnicast = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork _nat64 = IPNetwork.Parse("64:ff9b::/96");

    /// <summary>This machine's own addresses, and those of private networks, by RFC 1918, RFC 4193, RFC 3927 and RFC 6598.</summary>
    public static IReadOnlyList<string> PrivateRanges { get; } =
    [
        "127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "169.254.0.0/16", "fe80::/10", "100.64.0.0/10",
    ];

    private readonly IPNetwork[] _allowed = [.. allowed.Select(range => TryParse(range)
        ?? throw new ArgumentException($"{range} is no range of addresses", nameof(allowed)))];

    /// <summary>An address or a range of them, as <c>192.168.0.0/16</c>; null if the text is neither.</summary>
    public static IPNetwork? TryParse(string text) =>
        IPNetwork.TryParse(text, out var network) ? network
        : IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)
        : null;

    public bool Allows(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return IsNamed(address) || IsGlobal(address);
    }

    /// <summary>Whether the configuration allows the address by name.</summary>
    public bool IsNamed(IPAddress address) => _allowed.Any(range => range.Contains(address));

    private static bool IsGlobal(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            return !_notGlobal4.Any(range => range.Contains(address));
        }

        // How a network without IPv4 reaches those who have nothing else: as good as the address in its last four bytes.
        return _nat64.Contains(address)
            ? IsGlobal(new IPAddress(address.GetAddressBytes().AsSpan(12)))
            : _globalUnicast.Contains(address) && address.ScopeId == 0 && !_notGlobal6.Any(range => range.Contains(address));
    }

    private static IPNetwork[] Parse(params string[] ranges) => [.. ranges.Select(IPNetwork.Parse)];
}
