using System.Buffers;
using System.Net;

namespace EdgeMatrix.Protocol.Identifiers;

/// <summary>The name of a homeserver: a DNS name, an IPv4 address or an IPv6 address in brackets, then perhaps a port.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#server-name</remarks>
public static class ServerName
{
    /// <summary>"Should not exceed 230 characters": for choosing the name of a server, not for refusing one.</summary>
    public const int RecommendedMaxLength = 230;

    private const int MaxDnsNameLength = 255;

    private static readonly SearchValues<char> DnsCharacters =
        SearchValues.Create("-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly SearchValues<char> Ipv6Characters = SearchValues.Create("0123456789ABCDEFabcdef:.");

    public static bool IsValid(string? name) => name is not null && IsValid(name.AsSpan());

    internal static bool IsValid(ReadOnlySpan<char> name)
    {
        if (name.StartsWith('['))
        {
            // "[" IPv6address "]", where IPv6address = 2*45IPv6char
            var end = name.IndexOf(']');
            var address = end < 0 ? [] : name[1..end];
            return address.Length is >= 2 and <= 45
                && !address.ContainsAnyExcept(Ipv6Characters)
                && IPAddress.TryParse(address, out _)
                && IsPortSuffix(name[(end + 1)..]);
        }

        var colon = name.IndexOf(':');
        var host = colon < 0 ? name : name[..colon];
        return host.Length is >= 1 and <= MaxDnsNameLength
            && !host.ContainsAnyExcept(DnsCharacters)
            && IsPortSuffix(name[host.Length..]);
    }

    // [ ":" port ], where port = 1*5DIGIT
    private static bool IsPortSuffix(ReadOnlySpan<char> suffix) =>
        suffix.IsEmpty || (suffix.Length is >= 2 and <= 6 && suffix[0] == ':' && !suffix[1..].ContainsAnyExceptInRange('0', '9'));
}
