using System.Text.Json;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms;

/// <summary>Writes ephemeral events, as clients get them and, with their room in them, application services.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#pushing-ephemeral-data</remarks>
public static class EphemeralJson
{
    /// <param name="roomId">Null where the place of the event says which room it is of.</param>
    public static void WriteTyping(Utf8JsonWriter json, List<string> users, string? roomId)
    {
        json.WriteStartObject();
        json.WriteStartObject("content"u8);
        json.WriteStartArray("user_ids"u8);
        users.ForEach(json.WriteStringValue);
        json.WriteEndArray();
        json.WriteEndObject();
        WriteEnd(json, "m.typing"u8, roomId);
    }

    /// <param name="receipts">Of one thread: within one event a user has one receipt of a kind.</param>
    /// <param name="roomId">As of <see cref="WriteTyping"/>.</param>
    public static void WriteReceipts(Utf8JsonWriter json, IEnumerable<ReceiptRow> receipts, string? roomId)
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
        WriteEnd(json, "m.receipt"u8, roomId);
    }

    /// <param name="withUserId">Whose it is stands in the content too, where those look who began before there was <c>/sync</c>.</param>
    public static void WritePresence(Utf8JsonWriter json, PresenceStatus status, long now, bool withUserId = false)
    {
        json.WriteStartObject();
        json.WriteStartObject("content"u8);
        status.WriteFields(json, now);
        if (withUserId)
        {
            json.WriteString("user_id"u8, status.UserId);
        }

        json.WriteEndObject();
        json.WriteString("sender"u8, status.UserId);
        WriteEnd(json, "m.presence"u8, null);
    }

    private static void WriteEnd(Utf8JsonWriter json, ReadOnlySpan<byte> type, string? roomId)
    {
        if (roomId is not null)
        {
            json.WriteString("room_id"u8, roomId);
        }

        json.WriteString("type"u8, type);
        json.WriteEndObject();
    }
}
