using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;

namespace EdgeMatrix.Protocol.Json;

/// <summary>Reads strict JSON, and writes the one encoding of it that everyone hashes and signs.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#canonical-json</remarks>
public static class CanonicalJson
{
    /// <summary>The greatest integer, 2^53 - 1; the least is its negative.</summary>
    public const long MaxInteger = (1L << 53) - 1;

    /// <summary>How deep arrays and objects may nest: what every JSON reader of the platform accepts without being asked.</summary>
    public const int DefaultMaxDepth = 64;

    /// <summary>
    /// Reads JSON in which every object names a key once and every string is legal Unicode. Numbers are read as they stand:
    /// whether they are canonical shows when the element is written.
    /// </summary>
    /// <param name="element">Owns a copy of the bytes and needs no disposal.</param>
    /// <param name="problem">What is wrong, in words that may go to whoever sent it; null if nothing is.</param>
    public static bool TryParse(ReadOnlyMemory<byte> utf8, out JsonElement element, out string? problem, int maxDepth = DefaultMaxDepth)
    {
        if (CanonicalScanner.IsCanonical(utf8.Span, maxDepth))
        {
            element = JsonElement.Parse(utf8.Span, new JsonDocumentOptions { MaxDepth = maxDepth });
            problem = null;
            return true;
        }

        element = default;

        // The reader would find these two only when somebody asks for the string.
        if (!Utf8.IsValid(utf8.Span))
        {
            problem = "the text is not UTF-8";
            return false;
        }

        if (JsonText.HasLoneSurrogate(utf8.Span))
        {
            problem = "a string holds half of a surrogate pair";
            return false;
        }

        try
        {
            var options = new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = maxDepth };
            element = JsonElement.Parse(utf8.Span, options);
            problem = null;
            return true;
        }
        catch (JsonException refusal)
        {
            problem = refusal.Message;
            return false;
        }
    }

    /// <summary>Writes the strict canonical form, or leaves half of it behind and says why there is none.</summary>
    public static bool TryWrite(JsonElement value, IBufferWriter<byte> output, out string? problem) =>
        TryWrite(value, CanonicalForm.Strict, output, out problem);

    /// <inheritdoc cref="TryWrite(JsonElement, IBufferWriter{byte}, out string?)"/>
    /// <param name="form">The form of the room version.</param>
    public static bool TryWrite(JsonElement value, CanonicalForm form, IBufferWriter<byte> output, out string? problem)
    {
        problem = CanonicalWriter.Write(value, KeyFilter.Everything, form, output);
        return problem is null;
    }

    /// <summary>The strict canonical form of a value that is known to have one.</summary>
    /// <exception cref="FormatException">A number is no integer in range, or a key stands twice, or a string is not Unicode.</exception>
    public static byte[] Write(JsonElement value) => Write(value, KeyFilter.Everything, CanonicalForm.Strict);

    /// <summary>The canonical form of what the filter leaves of a value.</summary>
    /// <exception cref="FormatException">There is none.</exception>
    internal static byte[] Write(JsonElement value, KeyFilter filter, CanonicalForm form)
    {
        var output = new ArrayBufferWriter<byte>();
        return CanonicalWriter.Write(value, filter, form, output) is { } problem
            ? throw new FormatException(problem)
            : output.WrittenSpan.ToArray();
    }
}
