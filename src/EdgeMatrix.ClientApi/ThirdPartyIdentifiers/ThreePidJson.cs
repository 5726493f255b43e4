using System.Text.Json;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.ClientApi.ThirdPartyIdentifiers;

/// <summary>Third-party identifiers as they stand in bodies.</summary>
internal static class ThreePidJson
{
    // ITU-T E.164: fifteen digits at most.
    private const int MaxDigits = 15;

    /// <summary>Writes the member <c>threepids</c>.</summary>
    public static void Write(Utf8JsonWriter json, IEnumerable<ThreePidRow> threepids)
    {
        json.WriteStartArray("threepids"u8);
        foreach (var one in threepids)
        {
            json.WriteStartObject();
            json.WriteString("medium"u8, one.Medium);
            json.WriteString("address"u8, one.Address);
            json.WriteNumber("validated_at"u8, one.ValidatedTs);
            json.WriteNumber("added_at"u8, one.AddedTs);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>The address as it is stored; null if it is none of the medium.</summary>
    public static string? Canonical(string medium, string address) => medium switch
    {
        ThreePidTable.Email => EmailAddress.Canonical(address),
        "msisdn" when address.Length is > 0 and <= MaxDigits && address.All(char.IsAsciiDigit) => address,
        _ => null,
    };
}
