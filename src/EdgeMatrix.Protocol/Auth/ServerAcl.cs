using System.Text.Json;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Auth;

/// <summary>Which servers a room lets take part, by its <c>m.room.server_acl</c>.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#server-access-control-lists-acls-for-rooms</remarks>
public sealed class ServerAcl
{
    private readonly bool _allowsLiterals;
    private readonly Glob[] _allow;
    private readonly Glob[] _deny;

    /// <param name="content">Of the state event.</param>
    public ServerAcl(JsonElement content)
    {
        // "Defaults to true if missing or otherwise not a boolean."
        _allowsLiterals = content.Find("allow_ip_literals"u8) is not { ValueKind: JsonValueKind.False };
        _allow = Patterns(content, "allow"u8);
        _deny = Patterns(content, "deny"u8);
    }

    /// <param name="serverName">A valid server name.</param>
    public bool Allows(string serverName)
    {
        // "The port numbers of servers are excluded": a colon within brackets is of an address.
        var colon = serverName.LastIndexOf(':');
        var host = colon > serverName.LastIndexOf(']') ? serverName[..colon] : serverName;
        if (!_allowsLiterals && IsLiteral(host))
        {
            return false;
        }

        return !_deny.Any(pattern => pattern.IsMatch(host)) && _allow.Any(pattern => pattern.IsMatch(host));
    }

    private static bool IsLiteral(string host) => host.StartsWith('[') || System.Net.IPAddress.TryParse(host, out _);

    // "Defaults to an empty list when not provided", and entries that are no strings are none.
    private static Glob[] Patterns(JsonElement content, ReadOnlySpan<byte> name) => content.ArrayOrNull(name) is { } list
        ? [.. list.EnumerateArray().Where(entry => entry.ValueKind == JsonValueKind.String).Select(entry => new Glob(entry.GetString()!))]
        : [];
}
