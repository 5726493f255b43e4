using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;

namespace EdgeMatrix.Sync.Encryption;

/// <summary>What a device has left for others to claim: in every answer, so that it can tell when to upload more.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync</remarks>
internal static class KeyCountSection
{
    public static void Write(Utf8JsonWriter json, KeyCounts counts)
    {
        json.WriteStartObject("device_one_time_keys_count"u8);
        foreach (var (algorithm, count) in counts.OneTimeKeys)
        {
            json.WriteNumber(algorithm, count);
        }

        json.WriteEndObject();

        // "The presence of this property is required"; the second name is the one before the release (MSC2732).
        WriteUnused(json, "device_unused_fallback_key_types"u8, counts);
        WriteUnused(json, "org.matrix.msc2732.device_unused_fallback_key_types"u8, counts);
    }

    private static void WriteUnused(Utf8JsonWriter json, ReadOnlySpan<byte> name, KeyCounts counts)
    {
        json.WriteStartArray(name);
        foreach (var algorithm in counts.UnusedFallbackKeys)
        {
            json.WriteStringValue(algorithm);
        }

        json.WriteEndArray();
    }
}
