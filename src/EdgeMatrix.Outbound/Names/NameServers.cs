using System.Net;

namespace EdgeMatrix.Outbound.Names;

/// <summary>The name servers that the system is told to ask.</summary>
public static class NameServers
{
    private const string Path = "/etc/resolv.conf";
    private const int Port = 53;

    // As the system's own resolver: "Up to MAXNS (currently 3) name servers may be listed".
    private const int Most = 3;

    /// <summary>As they are now: a machine on the move changes them. Where none are told, the one of this machine.</summary>
    public static IReadOnlyList<IPEndPoint> OfSystem()
    {
        try
        {
            return Read(File.ReadLines(Path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Read([]);
        }
    }

    internal static IReadOnlyList<IPEndPoint> Read(IEnumerable<string> lines)
    {
        var servers = lines
            .Select(line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is ["nameserver", _, ..])
            .Select(words => IPAddress.TryParse(words[1], out var address) ? new IPEndPoint(address, Port) : null)
            .OfType<IPEndPoint>()
            .Take(Most)
            .ToList();
        return servers.Count > 0 ? servers : [new IPEndPoint(IPAddress.Loopback, Port)];
    }
}
