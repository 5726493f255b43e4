using System.Text.Json;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Delivery.AppServices;

/// <summary>Writes ephemeral data as application services get it: as clients do, and with the room.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#pushing-ephemeral-data</remarks>
internal static class EphemeralJson
{
    public static void WriteTyping(Utf8JsonWriter json, string roomId, List<string> users)
    {
        json.WriteStartObject();
        json.WriteStartObject("content"u8);
        json.WriteStartArray("user_ids"u8);
        users.ForEach(json.WriteStringValue);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteString("room_id"u8, roomId);
        json.WriteString("type"u8, "m.typing"u8);
        json.WriteEndObject();
    }

    public static void WriteReceipts(Utf8JsonWriter json, string roomId, IEnumerable<ReceiptRow> receipts)
    {
        json.WriteStartObject();
        json.WriteStartObject("content"u8);
        foreach (var ofEvent in receipts.GroupBy(receipt => receipt.EventId))
        {
            json.WriteStartObject(ofEvent.Key);
            foreach (var ofType in ofEvent.GroupBy(receipt => receipt.Type))
            {
                json.WriteStartObject(ofType.Key == ReceiptType.Read ? "m.read"u8 : "m.read.private"u8);
                foreach (var receipt in ofType)
                {
                    json.WriteStartObject(receipt.UserId);
                    if (receipt.Thread.Length > 0)
                    {
                        json.WriteString("thread_id"u8, receipt.Thread);
                    }

                    json.WriteNumber("ts"u8, receipt.Ts);
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteString("room_id"u8, roomId);
        json.WriteString("type"u8, "m.receipt"u8);
        json.WriteEndObject();
    }

    public static void WritePresence(Utf8JsonWriter json, PresenceStatus status, long now)
    {
        json.WriteStartObject();
        json.WriteStartObject("content"u8);
        status.WriteFields(json, now);
        json.WriteEndObject();
        json.WriteString("sender"u8, status.UserId);
        json.WriteString("type"u8, "m.presence"u8);
        json.WriteEndObject();
    }
}
