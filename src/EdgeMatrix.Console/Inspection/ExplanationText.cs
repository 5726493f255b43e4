using System.Globalization;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Console.Inspection;

/// <summary>How an explanation shows events, keys and times. Nothing that others wrote reaches a terminal as a control character.</summary>
internal sealed class ExplanationText(RoomGraph room, TextWriter output)
{
    public void Line(string text) => output.WriteLine(Printable(text));

    public void Heading(string text)
    {
        output.WriteLine();
        Line(text);
    }

    public void Event(long number, string label = "") => Line($"    {Indent(label)}{Describe(number)}");

    public void EventOrNone(long number, string label)
    {
        if (number == 0)
        {
            Line($"    {Indent(label)}none");
        }
        else
        {
            Event(number, label);
        }
    }

    public void Events(string name, IReadOnlyList<long> numbers)
    {
        Line($"  {name}: {(numbers.Count == 0 ? "empty" : numbers.Count.ToString(CultureInfo.InvariantCulture))}");
        foreach (var number in numbers)
        {
            Event(number);
        }
    }

    public string Describe(long number) => room.Find(number) is { } pdu
        ? $"{pdu.EventId} {Subject(pdu)}, by {pdu.Sender}{(room.IsRejected(number) ? " (rejected)" : "")}"
        : "an event that is not here";

    /// <summary>What an event is about: its type and state key, and of a membership what it says.</summary>
    public static string Subject(Pdu pdu)
    {
        var key = pdu.StateKey is { } stateKey ? Key(pdu.Type, stateKey) : pdu.Type;
        return pdu.Type == EventTypes.Member && pdu.Content.TryGetProperty("membership", out var membership)
            && membership.ValueKind == JsonValueKind.String ? $"{key} {membership.GetString()}" : key;
    }

    public static string Key(string type, string stateKey) => stateKey.Length == 0 ? type : $"{type} {stateKey}";

    public static string Level(long level) => level == long.MaxValue ? "creator" : level.ToString(CultureInfo.InvariantCulture);

    public static string Verdict(AuthVerdict? verdict) => verdict switch
    {
        null => "taken unasked",
        { Allowed: true } => "allowed",
        { } refused => $"REFUSED: {refused.Refusal}",
    };

    /// <summary>UTC; the number itself where it is no date.</summary>
    public static string Time(long originServerTs) =>
        originServerTs >= 0 && originServerTs <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(originServerTs).ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)
            : originServerTs.ToString(CultureInfo.InvariantCulture);

    private static string Indent(string label) => label.Length == 0 ? "" : label + " ";

    private static string Printable(string text)
    {
        if (!text.Any(char.IsControl))
        {
            return text;
        }

        var shown = new StringBuilder(text.Length);
        foreach (var letter in text)
        {
            shown.Append(char.IsControl(letter) ? '\uFFFD' : letter);
        }

        return shown.ToString();
    }
}
