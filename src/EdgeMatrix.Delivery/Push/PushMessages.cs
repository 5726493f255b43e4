using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Delivery.Push;

/// <summary>What the number on the icon of an app counts.</summary>
public enum BadgeCount
{
    Messages,
    Rooms,
}

/// <param name="Event">Nid of the event that it tells of; null if it tells of the unread messages only.</param>
/// <param name="Body">The body of the request; null: the user is to be told nothing of the event any more.</param>
/// <param name="Badge">How many unread messages, or rooms with some, it tells of.</param>
internal sealed record PushMessage(long? Event, byte[]? Body, long? Badge);

/// <summary>Writes the bodies of <c>POST /_matrix/push/v1/notify</c>.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/push-gateway-api/#post_matrixpushv1notify</remarks>
internal sealed class PushMessages(RoomEngine engine, BadgeCount badgeCount)
{
    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public PushMessage OfBadge(Session db, PusherRow pusher)
    {
        var badge = Badge(db, pusher.User);
        return new PushMessage(null, Write(json =>
        {
            // "Counts whose value is zero should be omitted": but nothing else would tell an app to take the number away.
            json.WriteStartObject("counts"u8);
            json.WriteNumber("unread"u8, badge);
            json.WriteEndObject();
            WriteDevice(json, pusher, null);
        }), badge);
    }

    public PushMessage OfEvent(Session db, PusherRow pusher, long nid)
    {
        if (PushedTo.Find(db, engine, pusher.User, nid) is not { } pushed)
        {
            return new PushMessage(nid, null, null);
        }

        var (room, pdu) = (pushed.Room, pushed.Pdu);
        var badge = Badge(db, pusher.User);
        var tweaks = Tweaks(pushed.Actions);
        return new PushMessage(nid, Write(json =>
        {
            json.WriteString("event_id"u8, pdu.EventId);
            json.WriteString("room_id"u8, room.Id);
            json.WriteString("prio"u8, IsUrgent(pdu, tweaks) ? "high"u8 : "low"u8);
            if (!IsEventIdOnly(pusher))
            {
                WriteEvent(json, db, pushed);
            }

            json.WriteStartObject("counts"u8);
            if (badge > 0)
            {
                json.WriteNumber("unread"u8, badge);
            }

            json.WriteEndObject();
            WriteDevice(json, pusher, tweaks);
        }), badge);
    }

    private static void WriteEvent(Utf8JsonWriter json, Session db, PushedTo pushed)
    {
        var pdu = pushed.Pdu;

        // What event_id was called before; there are gateways that look for it.
        json.WriteString("id"u8, pdu.EventId);
        json.WriteString("type"u8, pdu.Type);
        json.WriteString("sender"u8, pdu.Sender);
        WriteIfAny(json, "sender_display_name", pushed.Event.DisplayName(pdu.Sender));

        // A room without a name is known by its alias.
        WriteIfAny(json, "room_name", pushed.RoomName(db) ?? pushed.RoomAlias(db));
        WriteIfAny(json, "room_alias", pushed.RoomAlias(db));
        if (pdu.Type == "m.room.member")
        {
            json.WriteBoolean("user_is_target"u8, pdu.StateKey == pushed.UserId);

            // Where gateways looked before the content was sent along.
            WriteIfAny(json, "membership", JsonContent.Text(pdu.Content, "membership"));
        }

        json.WritePropertyName("content"u8);
        pdu.Content.WriteTo(json);
    }

    private static void WriteDevice(Utf8JsonWriter json, PusherRow pusher, List<(string Name, JsonElement? Value)>? tweaks)
    {
        json.WriteStartArray("devices"u8);
        json.WriteStartObject();
        json.WriteString("app_id"u8, pusher.AppId);
        json.WriteString("pushkey"u8, pusher.Pushkey);
        json.WriteNumber("pushkey_ts"u8, pusher.SetTs / 1000);

        // "Servers MUST forward the entire content including format and any custom keys but excluding url".
        json.WriteStartObject("data"u8);
        foreach (var property in JsonElement.Parse(pusher.Data).EnumerateObject().Where(property => !property.NameEquals("url"u8)))
        {
            property.WriteTo(json);
        }

        json.WriteEndObject();
        if (tweaks is not null)
        {
            json.WriteStartObject("tweaks"u8);
            foreach (var (name, value) in tweaks)
            {
                json.WritePropertyName(name);
                if (value is { } given)
                {
                    given.WriteTo(json);
                }
                else
                {
                    // "If a highlight tweak is given with no value, its value is defined to be true."
                    json.WriteBooleanValue(true);
                }
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteIfAny(Utf8JsonWriter json, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            json.WriteString(name, value);
        }
    }

    private static List<(string Name, JsonElement? Value)> Tweaks(JsonElement actions)
    {
        var tweaks = new List<(string Name, JsonElement? Value)>();
        foreach (var action in actions.EnumerateArray())
        {
            if (action.ValueKind == JsonValueKind.Object && JsonContent.Text(action, "set_tweak") is { } name)
            {
                JsonElement? value = action.TryGetProperty("value"u8, out var given) ? given : null;
                tweaks.RemoveAll(known => known.Name == name);
                if (value is not null || name == "highlight")
                {
                    tweaks.Add((name, value));
                }
            }
        }

        return tweaks;
    }

    // What may be encrypted may be anything; else what shall be heard or stand out is worth waking a phone for.
    private static bool IsUrgent(Pdu pdu, List<(string Name, JsonElement? Value)> tweaks) =>
        pdu.Type == "m.room.encrypted"
        || tweaks.Exists(tweak => tweak.Name is "sound" or "highlight" && tweak.Value is not { ValueKind: JsonValueKind.False or JsonValueKind.Null });

    private static bool IsEventIdOnly(PusherRow pusher) => JsonContent.Text(JsonElement.Parse(pusher.Data), "format") == "event_id_only";

    private long Badge(Session db, long user)
    {
        var (messages, rooms) = UnreadTable.OfUser(db, user);
        return badgeCount == BadgeCount.Messages ? messages : rooms;
    }

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, _options))
        {
            json.WriteStartObject();
            json.WriteStartObject("notification"u8);
            write(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
