using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Events;

/// <summary>What the format of an event names, as it stands in canonical JSON; empty where it is missing.</summary>
internal ref struct EventFields
{
    public ReadOnlySpan<byte> AuthEvents;
    public ReadOnlySpan<byte> Content;
    public ReadOnlySpan<byte> Depth;
    public ReadOnlySpan<byte> EventId;
    public ReadOnlySpan<byte> Hashes;
    public ReadOnlySpan<byte> OriginServerTs;
    public ReadOnlySpan<byte> PrevEvents;
    public ReadOnlySpan<byte> PrevStateEvents;
    public ReadOnlySpan<byte> RoomId;
    public ReadOnlySpan<byte> Sender;
    public ReadOnlySpan<byte> Signatures;
    public ReadOnlySpan<byte> StateKey;
    public ReadOnlySpan<byte> Type;

    public static EventFields Read(ReadOnlySpan<byte> canonicalEvent)
    {
        var fields = default(EventFields);
        var members = new CanonicalMembers(canonicalEvent);
        while (members.MoveNext())
        {
            var name = members.Name;
            if (name.SequenceEqual("auth_events"u8))
            {
                fields.AuthEvents = members.Value;
            }
            else if (name.SequenceEqual("content"u8))
            {
                fields.Content = members.Value;
            }
            else if (name.SequenceEqual("depth"u8))
            {
                fields.Depth = members.Value;
            }
            else if (name.SequenceEqual("event_id"u8))
            {
                fields.EventId = members.Value;
            }
            else if (name.SequenceEqual("hashes"u8))
            {
                fields.Hashes = members.Value;
            }
            else if (name.SequenceEqual("origin_server_ts"u8))
            {
                fields.OriginServerTs = members.Value;
            }
            else if (name.SequenceEqual("prev_events"u8))
            {
                fields.PrevEvents = members.Value;
            }
            else if (name.SequenceEqual("prev_state_events"u8))
            {
                fields.PrevStateEvents = members.Value;
            }
            else if (name.SequenceEqual("room_id"u8))
            {
                fields.RoomId = members.Value;
            }
            else if (name.SequenceEqual("sender"u8))
            {
                fields.Sender = members.Value;
            }
            else if (name.SequenceEqual("signatures"u8))
            {
                fields.Signatures = members.Value;
            }
            else if (name.SequenceEqual("state_key"u8))
            {
                fields.StateKey = members.Value;
            }
            else if (name.SequenceEqual("type"u8))
            {
                fields.Type = members.Value;
            }
        }

        return fields;
    }
}
