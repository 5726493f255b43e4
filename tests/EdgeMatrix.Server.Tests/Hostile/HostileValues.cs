using System.Text;
using System.Text.Json.Nodes;

namespace EdgeMatrix.Server.Tests.Hostile;

/// <summary>What a client should not send, from a seed.</summary>
internal sealed class HostileValues(int seed, IReadOnlyList<string> identifiers)
{
    private static readonly string[] Texts =
    [
        "", " ", "0", "-1", "true", "null", "\0", "\u202e", "💥", "é", "..", "../../etc/passwd", "%2e%2e%2f", "<script>alert(1)</script>", "'; DROP TABLE users; --",
        "@", "@:", "@:test", "@a", "@a:b:c", "@A B:test", "!", "!:", "!x", "$", "$x", "#", "#:test", "#nobody:elsewhere", "mxc://", "mxc://../x", "mxc://test/..%2f",
        "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e400", "NaN", "m.room.create", "m.room.member", "org.example.*", "[", "(a+)+$",
    ];

    private static readonly string[] Segments =
    [
        "%00", "%FF", "%C0%AF", "%2F", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c", "%25", "%", "%zz", "%20", "%0d%0aX:%20y", "%F0%9F%92%A5", "@", "!", "$", "#x",
        "*", "a;b", "a=b", "~", "'", "%22", "0", "-1", "99999999999999999999", "true",
    ];

    private readonly Random _random = new(seed);

    public int Next(int below) => _random.Next(below);

    /// <summary>An identifier of something that is there, of the requester's or of others; or else.</summary>
    public string Text() => Next(6) switch
    {
        0 or 1 => identifiers[Next(identifiers.Count)],
        2 => new string((char)('a' + Next(26)), 1 << Next(18)),
        _ => Texts[Next(Texts.Length)],
    };

    /// <summary>A segment of a path, as it goes over the wire.</summary>
    public string Segment() => Next(5) switch
    {
        0 or 1 => Uri.EscapeDataString(identifiers[Next(identifiers.Count)]),
        2 => new string('a', 1 << Next(12)),
        _ => Segments[Next(Segments.Length)],
    };

    /// <summary>The body with something wrong, or something in place of a body.</summary>
    public byte[] Body(JsonNode? example) => Next(12) switch
    {
        0 => [],
        1 => Encoding.UTF8.GetBytes(Texts[Next(Texts.Length)]),
        2 => "[]"u8.ToArray(),
        3 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 5_000))),
        4 => [.. "{\"body\":\""u8, 0xff, 0xc0, 0xaf, .. "\"}"u8],
        5 => Encoding.UTF8.GetBytes("""{"body":"\ud800","user_id":"\udfff","type":"\ud800"}"""),
        6 => Encoding.UTF8.GetBytes("{\"pad\":\"" + new string('x', 1 << (10 + Next(12))) + "\"}"),
        _ => Encoding.UTF8.GetBytes(Spoil(example?.DeepClone() ?? new JsonObject { ["body"] = "x" }, 0).ToJsonString()),
    };

    // The same shape with one to three values that are others, at any depth.
    private JsonNode Spoil(JsonNode body, int depth)
    {
        if (body is JsonObject fields && fields.Count > 0)
        {
            for (var i = 0; i <= Next(3); i++)
            {
                var name = fields.ElementAt(Next(fields.Count)).Key;
                var value = fields[name];
                fields.Remove(name);
                switch (Next(4))
                {
                    case 0 when depth > 0 || fields.Count > 0: break;
                    case 1 when value is not null && depth < 4: fields[name] = Spoil(value, depth + 1); break;
                    case 2: fields[Text()] = Value(); fields[name] = value; break;
                    default: fields[name] = Value(); break;
                }

                if (fields.Count == 0)
                {
                    break;
                }
            }

            return fields;
        }

        if (body is JsonArray { Count: > 0 } list && Next(2) == 0)
        {
            list[0] = list[0] is { } first ? Spoil(first.DeepClone(), depth + 1) : Value();
            return list;
        }

        return Value();
    }

    private JsonNode Value() => Next(10) switch
    {
        0 => JsonValue.Create(Next(2) == 0),
        1 => JsonValue.Create(-1),
        2 => JsonNode.Parse("1e300")!,
        3 => JsonNode.Parse("123456789012345678901234567890")!,
        4 => JsonValue.Create(1.5),
        5 => new JsonArray(),
        6 => new JsonObject(),
        7 => new JsonArray([.. Enumerable.Range(0, 2_000).Select(i => (JsonNode)i)]),
        8 => Deep(),
        _ => JsonValue.Create(Text()),
    };

    private JsonNode Deep()
    {
        JsonNode node = Text();
        for (var i = 0; i < 55; i++)
        {
            node = i % 2 == 0 ? new JsonArray(node) : new JsonObject { ["a"] = node };
        }

        return node;
    }
}
