using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Accounts.Encryption;

/// <summary>A key as a client sends it, in the form in which it is checked, compared and stored.</summary>
/// <param name="Json">Has no key twice.</param>
/// <param name="Text">Canonical JSON.</param>
internal readonly record struct UploadedKey(JsonElement Json, string Text)
{
    /// <summary>Keys are opaque, and those of post-quantum algorithms have thousands of bytes.</summary>
    public const int MaxBytes = 32 * 1024;

    /// <param name="name">What the key is called in a refusal.</param>
    public static (UploadedKey Key, Refusal? Refusal) Read(string name, JsonElement value)
    {
        if (!CanonicalJson.TryParse(Encoding.UTF8.GetBytes(value.GetRawText()), out var json, out var problem))
        {
            return (default, Refusal.InvalidParam($"{name}: {problem}"));
        }

        var output = new System.Buffers.ArrayBufferWriter<byte>();
        if (!CanonicalJson.TryWrite(json, output, out problem))
        {
            return (default, Refusal.InvalidParam($"{name}: {problem}"));
        }

        return output.WrittenCount > MaxBytes
            ? (default, new Refusal(RefusalKind.TooLarge, $"{name} has more than {MaxBytes} bytes"))
            : (new UploadedKey(json, Encoding.UTF8.GetString(output.WrittenSpan)), null);
    }

    /// <summary>What a client is told of a verdict; null if it is good.</summary>
    public static Refusal? Refuse(KeyVerdict verdict) => verdict.Fault switch
    {
        KeyFault.None => null,
        KeyFault.InvalidSignature => new Refusal(RefusalKind.InvalidSignature, verdict.Refusal!),
        KeyFault.Malformed => new Refusal(RefusalKind.BadJson, verdict.Refusal!),
        _ => Refusal.InvalidParam(verdict.Refusal!),
    };
}
