using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;

namespace EdgeMatrix.Protocol.Json;

/// <summary>
/// Copies a parsed value out in canonical form. Keys are compared as bytes of UTF-8, whose order is that of code points
/// (the order of UTF-16, which <c>string</c> has, is not).
/// </summary>
internal static class CanonicalWriter
{
    /// <summary>Writes what the filter leaves of a value; returns why it cannot be written, or null.</summary>
    public static string? Write(JsonElement value, KeyFilter filter, CanonicalForm form, IBufferWriter<byte> output)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                return WriteObject(value, filter, form, output);
            case JsonValueKind.Array:
                return WriteArray(value, form, output);
            case JsonValueKind.String:
                return WriteString(JsonMarshal.GetRawUtf8Value(value)[1..^1], output);
            case JsonValueKind.Number:
                return form == CanonicalForm.Strict
                    ? WriteNumber(value, output)
                    : LenientNumber.Write(JsonMarshal.GetRawUtf8Value(value), output);
            case JsonValueKind.True:
                output.Write("true"u8);
                return null;
            case JsonValueKind.False:
                output.Write("false"u8);
                return null;
            case JsonValueKind.Null:
                output.Write("null"u8);
                return null;
            default:
                return "there is no value";
        }
    }

    private static string? WriteObject(JsonElement value, KeyFilter filter, CanonicalForm form, IBufferWriter<byte> output)
    {
        if (IsInOrder(value))
        {
            return WriteInOrder(value, filter, form, output);
        }

        var count = value.GetPropertyCount();
        var members = ArrayPool<Member>.Shared.Rent(count);
        try
        {
            return CollectMembers(value, members) ?? WriteSorted(members.AsSpan(0, count), filter, form, output);
        }
        finally
        {
            ArrayPool<Member>.Shared.Return(members, clearArray: true);
        }
    }

    // Canonical input, which is what other servers send, needs no sorting and no second look at its keys.
    private static bool IsInOrder(JsonElement value)
    {
        ReadOnlySpan<byte> previous = default;
        var first = true;
        foreach (var property in value.EnumerateObject())
        {
            var name = JsonMarshal.GetRawUtf8PropertyName(property);
            if (name.Contains((byte)'\\') || (!first && previous.SequenceCompareTo(name) >= 0))
            {
                return false;
            }

            previous = name;
            first = false;
        }

        return true;
    }

    private static string? WriteInOrder(JsonElement value, KeyFilter filter, CanonicalForm form, IBufferWriter<byte> output)
    {
        output.Write("{"u8);
        var first = true;
        foreach (var property in value.EnumerateObject())
        {
            if (WriteMember(JsonMarshal.GetRawUtf8PropertyName(property), property.Value, filter, form, ref first, output) is { } problem)
            {
                return problem;
            }
        }

        output.Write("}"u8);
        return null;
    }

    private static string? CollectMembers(JsonElement value, Member[] members)
    {
        var count = 0;
        foreach (var property in value.EnumerateObject())
        {
            var raw = JsonMarshal.GetRawUtf8PropertyName(property);
            byte[]? unescaped = null;
            if (raw.Contains((byte)'\\') && (unescaped = JsonText.Unescape(raw)) is null)
            {
                return "a key holds half of a surrogate pair";
            }

            members[count++] = new Member(property, unescaped);
        }

        return null;
    }

    private static string? WriteSorted(Span<Member> members, KeyFilter filter, CanonicalForm form, IBufferWriter<byte> output)
    {
        members.Sort(static (left, right) => left.Name.SequenceCompareTo(right.Name));
        output.Write("{"u8);
        var first = true;
        for (var index = 0; index < members.Length; index++)
        {
            var name = members[index].Name;
            if (index > 0 && name.SequenceEqual(members[index - 1].Name))
            {
                return "a key stands twice in one object";
            }

            if (WriteMember(name, members[index].Property.Value, filter, form, ref first, output) is { } problem)
            {
                return problem;
            }
        }

        output.Write("}"u8);
        return null;
    }

    private static string? WriteMember(
        ReadOnlySpan<byte> name, JsonElement value, KeyFilter filter, CanonicalForm form, ref bool first, IBufferWriter<byte> output)
    {
        if (!filter.Keeps(name, out var inner) || (inner != KeyFilter.Everything && value.ValueKind != JsonValueKind.Object))
        {
            return null;
        }

        if (!first)
        {
            output.Write(","u8);
        }

        first = false;
        if (!Utf8.IsValid(name))
        {
            return "a key is not UTF-8";
        }

        JsonText.WriteString(name, output);
        output.Write(":"u8);
        return Write(value, inner, form, output);
    }

    private static string? WriteArray(JsonElement value, CanonicalForm form, IBufferWriter<byte> output)
    {
        output.Write("["u8);
        var first = true;
        foreach (var item in value.EnumerateArray())
        {
            if (!first)
            {
                output.Write(","u8);
            }

            first = false;
            if (Write(item, KeyFilter.Everything, form, output) is { } problem)
            {
                return problem;
            }
        }

        output.Write("]"u8);
        return null;
    }

    private static string? WriteString(ReadOnlySpan<byte> raw, IBufferWriter<byte> output)
    {
        if (!Utf8.IsValid(raw))
        {
            return "a string is not UTF-8";
        }

        // What JSON let pass without an escape needs none here either.
        if (!raw.Contains((byte)'\\'))
        {
            output.Write("\""u8);
            output.Write(raw);
            output.Write("\""u8);
            return null;
        }

        if (JsonText.Unescape(raw) is not { } unescaped)
        {
            return "a string holds half of a surrogate pair";
        }

        JsonText.WriteString(unescaped, output);
        return null;
    }

    // "Numbers in the JSON must be integers in the range [-(2**53)+1, (2**53)-1], represented without exponents or decimal places,
    // and negative zero -0 MUST NOT appear."
    private static string? WriteNumber(JsonElement value, IBufferWriter<byte> output)
    {
        var raw = JsonMarshal.GetRawUtf8Value(value);
        if (raw.Contains((byte)'.'))
        {
            return "a number has a fraction";
        }

        if (raw.ContainsAny((byte)'e', (byte)'E'))
        {
            return "a number has an exponent";
        }

        if (raw.SequenceEqual("-0"u8))
        {
            return "a number is negative zero";
        }

        if (!value.TryGetInt64(out var integer) || integer is < -CanonicalJson.MaxInteger or > CanonicalJson.MaxInteger)
        {
            return "an integer is out of range: beyond 2^53 - 1";
        }

        output.Write(raw);
        return null;
    }

    private readonly struct Member(JsonProperty property, byte[]? unescaped)
    {
        public JsonProperty Property { get; } = property;

        public ReadOnlySpan<byte> Name => unescaped ?? JsonMarshal.GetRawUtf8PropertyName(Property);
    }
}
