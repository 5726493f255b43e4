using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.Events;

/// <summary>The top level of an event, read in one pass over bytes that passed <see cref="EventFormat"/> before.</summary>
internal sealed class PduFields
{
    // Most events are of few types: one string for all of them.
    private static readonly string[] SharedTypes =
    [
        "m.room.message", "m.room.encrypted", EventTypes.Member, "m.reaction", EventTypes.Redaction, EventTypes.PowerLevels,
        EventTypes.Create, EventTypes.JoinRules, EventTypes.HistoryVisibility, EventTypes.ThirdPartyInvite,
    ];

    private static readonly byte[][] SharedTypesUtf8 = Array.ConvertAll(SharedTypes, Encoding.UTF8.GetBytes);

    public string? RoomId { get; init; }

    public string Type { get; init; } = "";

    public string Sender { get; init; } = "";

    public string? StateKey { get; init; }

    public string? Redacts { get; init; }

    public long OriginServerTs { get; init; }

    public long Depth { get; init; }

    /// <summary>Where the list of <c>prev_events</c> stands in the bytes of the event; empty if there is none.</summary>
    public Range PrevEvents { get; init; }

    /// <inheritdoc cref="PrevEvents"/>
    public Range AuthEvents { get; init; }

    /// <inheritdoc cref="PrevEvents"/>
    public Range PrevStateEvents { get; init; }

    /// <summary>Where the content stands in the bytes of the event.</summary>
    public Range Content { get; init; }

    public static PduFields Read(ReadOnlySpan<byte> canonical)
    {
        string? roomId = null, type = null, sender = null, stateKey = null, redacts = null;
        long originServerTs = 0, depth = 0;
        Range prevEvents = default, authEvents = default, prevStateEvents = default;
        Range? content = null;
        var members = new CanonicalMembers(canonical);
        while (members.MoveNext())
        {
            var name = members.Name;
            var value = members.Value;
            if (name.SequenceEqual("room_id"u8))
            {
                roomId = JsonText.StringOrNull(value);
            }
            else if (name.SequenceEqual("type"u8))
            {
                type = ReadType(value);
            }
            else if (name.SequenceEqual("sender"u8))
            {
                sender = JsonText.StringOrNull(value);
            }
            else if (name.SequenceEqual("state_key"u8))
            {
                stateKey = JsonText.StringOrNull(value);
            }
            else if (name.SequenceEqual("redacts"u8))
            {
                // Read from events where nothing demands that it be a string.
                redacts = JsonText.StringOrNull(value);
            }
            else if (name.SequenceEqual("origin_server_ts"u8))
            {
                originServerTs = ReadNumber(value);
            }
            else if (name.SequenceEqual("depth"u8))
            {
                depth = ReadNumber(value);
            }
            else if (name.SequenceEqual("prev_events"u8))
            {
                prevEvents = members.Place;
            }
            else if (name.SequenceEqual("auth_events"u8))
            {
                authEvents = members.Place;
            }
            else if (name.SequenceEqual("prev_state_events"u8))
            {
                prevStateEvents = members.Place;
            }
            else if (name.SequenceEqual("content"u8))
            {
                content = members.Place;
            }
        }

        return new PduFields
        {
            RoomId = roomId,
            Type = type ?? throw new FormatException("the stored event has no type"),
            Sender = sender ?? throw new FormatException("the stored event has no sender"),
            StateKey = stateKey,
            Redacts = redacts,
            OriginServerTs = originServerTs,
            Depth = depth,
            PrevEvents = prevEvents,
            AuthEvents = authEvents,
            PrevStateEvents = prevStateEvents,
            Content = content ?? throw new FormatException("the stored event has no content"),
        };
    }

    private static string? ReadType(ReadOnlySpan<byte> value)
    {
        if (value.Length > 2)
        {
            for (var n = 0; n < SharedTypes.Length; n++)
            {
                if (value[1..^1].SequenceEqual(SharedTypesUtf8[n]))
                {
                    return SharedTypes[n];
                }
            }
        }

        return JsonText.StringOrNull(value);
    }

    private static long ReadNumber(ReadOnlySpan<byte> value) =>
        Utf8Parser.TryParse(value, out long number, out var length) && length == value.Length
            ? number
            : throw new FormatException("the stored event has a number that is none");

    /// <summary>
    /// The event ids of a list that <see cref="Read"/> found; in room versions 1 and 2 it is one of pairs of an id and hashes.
    /// </summary>
    public static IReadOnlyList<string> ReadIds(ReadOnlySpan<byte> list)
    {
        if (list.IsEmpty)
        {
            return [];
        }

        var ids = new List<string>();
        var reader = new Utf8JsonReader(list);
        reader.Read();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var isPair = reader.TokenType == JsonTokenType.StartArray;
            if (isPair)
            {
                reader.Read();
            }

            ids.Add(reader.GetString()!);
            while (isPair && reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                reader.Skip();
            }
        }

        return ids;
    }
}
