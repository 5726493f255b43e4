using System.Security.Cryptography;
using System.Text;

namespace EdgeMatrix.Simulation;

/// <summary>Bodies as a trace tells them: whole where they are short, and each by what no other has.</summary>
internal static class Told
{
    private const int Short = 400;

    public static string Of(byte[]? body) => body switch
    {
        null or [] => "",
        { Length: <= Short } => Encoding.UTF8.GetString(body),
        _ => $"{body.Length} bytes {Convert.ToHexStringLower(SHA256.HashData(body))[..16]}",
    };
}
