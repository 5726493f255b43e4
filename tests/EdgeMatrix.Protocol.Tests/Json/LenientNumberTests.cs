using System.Buffers;
using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Json;

/// <summary>Numbers of room versions 1 to 5. What is expected is what <c>json.dumps(json.loads(number))</c> of CPython 3.11 gives.</summary>
public sealed class LenientNumberTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0", "0")]
    [InlineData("7", "7")]
    [InlineData("9007199254740992", "9007199254740992")]
    [InlineData("-9007199254740993", "-9007199254740993")]
    [InlineData("18446744073709551616", "18446744073709551616")]
    [InlineData("123456789012345678901234567890", "123456789012345678901234567890")]
    [InlineData("0.0", "0.0")]
    [InlineData("-0.0", "-0.0")]
    [InlineData("1.0", "1.0")]
    [InlineData("1.50", "1.5")]
    [InlineData("-0.5", "-0.5")]
    [InlineData("1e3", "1000.0")]
    [InlineData("1E3", "1000.0")]
    [InlineData("1e+3", "1000.0")]
    [InlineData("1.5e1", "15.0")]
    [InlineData("5.114698E4", "51146.98")]
    [InlineData("1e15", "1000000000000000.0")]
    [InlineData("1e16", "1e+16")]
    [InlineData("1E16", "1e+16")]
    [InlineData("9999999999999998.0", "9999999999999998.0")]
    [InlineData("12345678901234567890.0", "1.2345678901234567e+19")]
    [InlineData("0.0001", "0.0001")]
    [InlineData("0.00001", "1e-05")]
    [InlineData("0.00012345", "0.00012345")]
    [InlineData("123e-7", "1.23e-05")]
    [InlineData("1e-400", "0.0")]
    [InlineData("-1e-400", "-0.0")]
    [InlineData("5e-324", "5e-324")]
    [InlineData("2.2250738585072014e-308", "2.2250738585072014e-308")]
    [InlineData("1.7976931348623157e308", "1.7976931348623157e+308")]
    [InlineData("1e22", "1e+22")]
    [InlineData("1e23", "1e+23")]
    [InlineData("9007199254740993.0", "9007199254740992.0")]
    [InlineData("0.1", "0.1")]
    [InlineData("0.30000000000000004", "0.30000000000000004")]
    [InlineData("100.00", "100.0")]
    [InlineData("1e0", "1.0")]
    [InlineData("0e5", "0.0")]
    [InlineData("0.1e1", "1.0")]
    [InlineData("123456789.123456789", "123456789.12345679")]
    public void A_number_is_written_as_Python_writes_it(string number, string expected)
    {
        Assert.Equal($"[{expected}]", Lenient($"[{number}]"));
        Assert.Equal($"[{expected}]", Lenient($"[{expected}]"));
    }

    [Theory]
    [InlineData("1e309", "range")]
    [InlineData("-1e309", "range")]
    [InlineData("1.0e400", "range")]
    public void A_double_beyond_the_range_has_no_form(string number, string problem) =>
        Assert.Contains(problem, Problem(number), StringComparison.Ordinal);

    [Fact]
    public void An_integer_has_4300_digits_at_most()
    {
        var largest = "-" + new string('9', 4_300);

        Assert.Equal(largest, Lenient(largest));
        Assert.Contains("4300 digits", Problem(largest + "9"), StringComparison.Ordinal);
    }

    [Fact]
    public void All_else_is_as_strict_as_ever()
    {
        Assert.Equal("""{"a":[true,null,{"x":1.0,"y":"é"}],"b":1}""", Lenient("""{ "b": 1, "a": [true, null, {"y": "\u00e9", "x": 1e0}] }"""));
        Assert.NotNull(Problem("""{"a":1,"a":2}"""));
        Assert.NotNull(Problem("""["\ud800"]"""));
    }

    private static string Lenient(string json)
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.True(CanonicalJson.TryWrite(JsonElement.Parse(json), CanonicalForm.Lenient, output, out var problem), problem);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static string? Problem(string json)
    {
        Assert.False(CanonicalJson.TryWrite(JsonElement.Parse(json), CanonicalForm.Lenient, new ArrayBufferWriter<byte>(), out var problem));
        return problem;
    }
}
