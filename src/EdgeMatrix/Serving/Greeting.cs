using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using EdgeMatrix.CommandLine;
using QRCoder;

namespace EdgeMatrix.Serving;

/// <summary>What a started server says on standard output: the address to open, and the line that harnesses wait for.</summary>
internal static class Greeting
{
    // Black on bright white, whatever the colours of the terminal: cameras want dark on light.
    private const string BlackOnWhite = "\e[30;107m";
    private const string PlainColours = "\e[0m";

    /// <param name="addresses">URLs with real ports, at least one.</param>
    /// <param name="publicBaseUrl">The address that clients use, if it is known to be another.</param>
    public static void Write(Terminal terminal, string serverName, IReadOnlyList<string> addresses, string? publicBaseUrl)
    {
        var open = publicBaseUrl ?? AddressToOpen(addresses[0], LanAddress);
        terminal.Output.WriteLine($"EdgeMatrix serves {serverName}; in a Matrix client, open {open}");
        if (terminal.IsScreen)
        {
            WriteQrCode(terminal.Output, open);
        }

        terminal.Output.WriteLine($"ready server_name={serverName} listen={string.Join(',', addresses)}");
        terminal.Output.Flush();
    }

    /// <summary>A listener's URL as another machine would write it: "every address" is none that one can open.</summary>
    internal static string AddressToOpen(string listener, Func<IPAddress?> lanAddress)
    {
        var url = new UriBuilder(listener);
        if (IPAddress.TryParse(url.Uri.IdnHost, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)))
        {
            url.Host = lanAddress()?.ToString() ?? "localhost";
        }

        return url.Uri.GetLeftPart(UriPartial.Authority);
    }

    /// <summary>The address that neighbours reach this machine at; null on a machine without a network.</summary>
    private static IPAddress? LanAddress() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(network => network.OperationalStatus == OperationalStatus.Up && network.NetworkInterfaceType != NetworkInterfaceType.Loopback)
        .Select(network => network.GetIPProperties())
        .OrderByDescending(properties => properties.GatewayAddresses.Count > 0)
        .SelectMany(properties => properties.UnicastAddresses)
        .Select(unicast => unicast.Address)
        .FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork);

    private static void WriteQrCode(TextWriter output, string text)
    {
        using var code = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.L);
        using var drawing = new AsciiQRCode(code);
        foreach (var line in drawing.GetGraphicSmall(drawQuietZones: true, invert: true).Split('\n'))
        {
            output.WriteLine($"{BlackOnWhite}{line.TrimEnd('\r')}{PlainColours}");
        }
    }
}
