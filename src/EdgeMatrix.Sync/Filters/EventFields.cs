using System.Text;
using System.Text.Json;

namespace EdgeMatrix.Sync.Filters;

/// <summary>The <c>event_fields</c> of a filter: which properties of an event are wanted, by dot-separated paths.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#dot-separated-property-paths</remarks>
public sealed class EventFields
{
    private readonly Node _root = new();

    public EventFields(IEnumerable<string> paths)
    {
        foreach (var path in paths)
        {
            var node = _root;
            foreach (var name in Split(path))
            {
                if (!node.Children.TryGetValue(name, out var child))
                {
                    node.Children[name] = child = new Node();
                }

                node = child;
            }

            node.Whole = true;
        }
    }

    /// <summary>Writes of an event what is wanted.</summary>
    public void Write(Utf8JsonWriter json, JsonElement element) => Write(json, element, _root);

    private static void Write(Utf8JsonWriter json, JsonElement element, Node wanted)
    {
        json.WriteStartObject();
        foreach (var property in element.EnumerateObject())
        {
            if (!wanted.Children.TryGetValue(property.Name, out var child))
            {
                continue;
            }

            if (child.Whole)
            {
                property.WriteTo(json);
            }
            else if (property.Value.ValueKind == JsonValueKind.Object)
            {
                json.WritePropertyName(property.Name);
                Write(json, property.Value, child);
            }
        }

        json.WriteEndObject();
    }

    // Any literal dot or backslash found in a property name should be escaped with a backslash;
    // other escape sequences are left as they are.
    private static List<string> Split(string path)
    {
        var names = new List<string>();
        var name = new StringBuilder();
        for (var i = 0; i < path.Length; i++)
        {
            if (path[i] == '\\' && i + 1 < path.Length && path[i + 1] is '.' or '\\')
            {
                name.Append(path[++i]);
            }
            else if (path[i] == '.')
            {
                names.Add(name.ToString());
                name.Clear();
            }
            else
            {
                name.Append(path[i]);
            }
        }

        names.Add(name.ToString());
        return names;
    }

    private sealed class Node
    {
        public Dictionary<string, Node> Children { get; } = [];

        public bool Whole { get; set; }
    }
}
