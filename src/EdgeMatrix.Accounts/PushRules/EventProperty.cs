using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Accounts.PushRules;

/// <summary>Finds a property of an event by a dot-separated path.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#dot-separated-property-paths</remarks>
internal static class EventProperty
{
    /// <summary>The names of a path. <c>\.</c> is a dot and <c>\\</c> a backslash within a name.</summary>
    public static string[] Path(string text)
    {
        var names = new List<string>();
        var name = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '.')
            {
                names.Add(name.ToString());
                name.Clear();
                continue;
            }

            if (text[i] == '\\' && i + 1 < text.Length && text[i + 1] is '.' or '\\')
            {
                i++;
            }

            name.Append(text[i]);
        }

        names.Add(name.ToString());
        return [.. names];
    }

    /// <summary>The property as text; null if it is absent or not a string.</summary>
    public static string? Text(Pdu pdu, string[] path) => path switch
    {
        ["type"] => pdu.Type,
        ["sender"] => pdu.Sender,
        ["state_key"] => pdu.StateKey,
        ["room_id"] => pdu.RoomId,
        ["event_id"] => pdu.EventId,
        ["redacts"] => pdu.Redacts,
        _ => InContent(pdu, path) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null,
    };

    /// <summary>The property within the content; null if it is absent.</summary>
    public static JsonElement? InContent(Pdu pdu, string[] path)
    {
        if (path[0] != "content")
        {
            return null;
        }

        var value = pdu.Content;
        foreach (var name in path.AsSpan(1))
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value))
            {
                return null;
            }
        }

        return value;
    }
}
