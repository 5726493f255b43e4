using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.Api.Pipeline;

/// <summary>Which address a request came from: where a reverse proxy of this machine stands between, the one that it tells.</summary>
internal static class ClientAddress
{
    /// <summary>Puts the address that the proxy tells in the place of its own.</summary>
    public static Task Invoke(HttpContext context, RequestDelegate next)
    {
        if (context.Connection.RemoteIpAddress is { } proxy
            && IPAddress.IsLoopback(proxy)
            && context.Request.Headers["X-Forwarded-For"].ToString() is { Length: > 0 } told
            && IPAddress.TryParse(told.AsSpan(told.LastIndexOf(',') + 1).Trim(), out var client))
        {
            // The last is what the proxy itself saw; those before it anybody can write.
            context.Connection.RemoteIpAddress = client;
        }

        return next(context);
    }

    /// <summary>What stands for whoever sent the request: an IPv4 address, or the network of an IPv6 address, of which one sender has as many as it likes.</summary>
    public static string Of(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } address)
        {
            return "";
        }

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes(), 0, 8) : address.ToString();
    }
}
