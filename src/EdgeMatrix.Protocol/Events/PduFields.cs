using System.Text.Json;

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
        try
        {
            var reader = new Utf8JsonReader(canonical);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("room_id"u8))
                {
                    roomId = ReadString(ref reader);
                }
                else if (reader.ValueTextEquals("type"u8))
                {
                    type = ReadType(ref reader);
                }
                else if (reader.ValueTextEquals("sender"u8))
                {
                    sender = ReadString(ref reader);
                }
                else if (reader.ValueTextEquals("state_key"u8))
                {
                    stateKey = ReadString(ref reader);
                }
                else if (reader.ValueTextEquals("redacts"u8))
                {
                    redacts = ReadString(ref reader);
                }
                else if (reader.ValueTextEquals("origin_server_ts"u8))
                {
                    reader.Read();
                    originServerTs = reader.GetInt64();
                }
                else if (reader.ValueTextEquals("depth"u8))
                {
                    reader.Read();
                    depth = reader.GetInt64();
                }
                else if (reader.ValueTextEquals("prev_events"u8))
                {
                    prevEvents = SkipValue(ref reader);
                }
                else if (reader.ValueTextEquals("auth_events"u8))
                {
                    authEvents = SkipValue(ref reader);
                }
                else if (reader.ValueTextEquals("prev_state_events"u8))
                {
                    prevStateEvents = SkipValue(ref reader);
                }
                else if (reader.ValueTextEquals("content"u8))
                {
                    content = SkipValue(ref reader);
                }
                else
                {
                    reader.Skip();
                }
            }
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            throw new FormatException("the stored event is not readable", failure);
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

    // Null for anything but a string: redacts, alone, is read from events where nothing demands that it be one.
    private static string? ReadString(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
        {
            return reader.GetString();
        }

        reader.Skip();
        return null;
    }

    private static string? ReadType(ref Utf8JsonReader reader)
    {
        reader.Read();
        foreach (var shared in SharedTypes)
        {
            if (reader.ValueTextEquals(shared))
            {
                return shared;
            }
        }

        return reader.GetString();
    }

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

    private static Range SkipValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return start..(int)reader.BytesConsumed;
    }
}
