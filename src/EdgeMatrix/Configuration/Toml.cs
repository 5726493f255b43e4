using System.Globalization;
using System.Text;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace EdgeMatrix.Configuration;

/// <summary>Reads TOML into flat assignments, and writes the values of keys.</summary>
/// <remarks>A value is a string, bool, long, double or <c>List&lt;object&gt;</c> of those. Specification: https://toml.io/en/v1.1.0</remarks>
internal static class Toml
{
    /// <summary>A value at a dotted key, and its 1-based line.</summary>
    public readonly record struct Assignment(string Key, object Value, int Line);

    /// <summary>What is wrong with a line, 1-based.</summary>
    public readonly record struct Fault(int Line, string Message);

    /// <summary>Every assignment of a document, tables flattened into dotted keys; whatever is wrong goes to <paramref name="faults"/>.</summary>
    public static List<Assignment> Read(string text, List<Fault> faults)
    {
        var assignments = new List<Assignment>();
        var document = SyntaxParser.Parse(text, sourceName: null, validate: true);

        // One slip makes the parser stumble several times on a line; the first report is the one that helps.
        foreach (var line in document.Diagnostics.Where(message => message.Kind == DiagnosticMessageKind.Error).GroupBy(LineOf))
        {
            faults.Add(new Fault(line.Key, line.First().Message));
        }

        if (document.HasErrors)
        {
            return assignments;
        }

        ReadItems([], document.KeyValues, assignments, faults);
        foreach (var table in document.Tables)
        {
            var prefix = Parts(table.Name!);
            if (table is TableArraySyntax)
            {
                faults.Add(new Fault(LineOf(table), $"[[{DottedName(prefix)}]] is a list of tables, which no key takes; write [{DottedName(prefix)}]"));
            }
            else
            {
                ReadItems(prefix, table.Items, assignments, faults);
            }
        }

        return assignments;
    }

    /// <summary>A dotted key in its one spelling: parts that are no bare keys in quotes; null if it is no key at all.</summary>
    public static string? ReadKey(string text)
    {
        var faults = new List<Fault>();
        return Read($"{text} = 0", faults) is [var only] && faults.Count == 0 ? only.Key : null;
    }

    /// <summary>A value as it stands after the equals sign, or null where it is not TOML.</summary>
    public static object? ReadValue(string text)
    {
        var faults = new List<Fault>();
        return Read($"value = {text}", faults) is [{ Key: "value" } only] && faults.Count == 0 ? only.Value : null;
    }

    /// <summary>A part of a dotted key, in quotes unless it is a bare key.</summary>
    public static string WriteKey(string part) => BareKeySyntax.IsBareKey(part) ? part : Quote(part);

    public static string Write(object value) => value switch
    {
        string text => Quote(text),
        bool flag => flag ? "true" : "false",
        IEnumerable<object> list => $"[{string.Join(", ", list.Select(Write))}]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new ArgumentException($"TOML has no {value.GetType().Name}", nameof(value)),
    };

    private static void ReadItems(string[] prefix, SyntaxList<KeyValueSyntax> items, List<Assignment> assignments, List<Fault> faults)
    {
        foreach (var item in items)
        {
            ReadItem(prefix, item, assignments, faults);
        }
    }

    private static void ReadItem(string[] prefix, KeyValueSyntax item, List<Assignment> assignments, List<Fault> faults)
    {
        string[] path = [.. prefix, .. Parts(item.Key!)];
        if (item.Value is InlineTableSyntax table)
        {
            foreach (var inner in table.Items)
            {
                ReadItem(path, inner.KeyValue!, assignments, faults);
            }
        }
        else if (ValueOf(item.Value!) is { } value)
        {
            assignments.Add(new Assignment(DottedName(path), value, LineOf(item)));
        }
        else
        {
            faults.Add(new Fault(LineOf(item), $"{DottedName(path)}: no key takes a table in a list"));
        }
    }

    private static object? ValueOf(ValueSyntax syntax) => syntax switch
    {
        StringValueSyntax text => text.Value,
        BooleanValueSyntax flag => flag.Value,
        IntegerValueSyntax integer => integer.Value,
        FloatValueSyntax real => real.Value,
        DateTimeValueSyntax date => date.Token!.Text,
        ArraySyntax array => ListOf(array),
        _ => null,
    };

    private static List<object>? ListOf(ArraySyntax array)
    {
        var list = new List<object>();
        foreach (var item in array.Items)
        {
            if (ValueOf(item.Value!) is not { } value)
            {
                return null;
            }

            list.Add(value);
        }

        return list;
    }

    private static string[] Parts(KeySyntax key)
    {
        var parts = new List<string> { PartOf(key.Key!) };
        foreach (var dotted in key.DotKeys)
        {
            parts.Add(PartOf(dotted.Key!));
        }

        return [.. parts];
    }

    private static string PartOf(BareKeyOrStringValueSyntax part) =>
        part is StringValueSyntax quoted ? quoted.Value! : ((BareKeySyntax)part).Key!.Text!;

    private static string DottedName(IEnumerable<string> parts) =>
        string.Join('.', parts.Select(WriteKey));

    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var character in text)
        {
            _ = character switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\t' => quoted.Append("\\t"),
                < ' ' or '\x7f' => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"),
                _ => quoted.Append(character),
            };
        }

        return quoted.Append('"').ToString();
    }

    private static int LineOf(DiagnosticMessage message) => message.Span.Start.Line + 1;

    private static int LineOf(SyntaxNode node) => node.Span.Start.Line + 1;
}
