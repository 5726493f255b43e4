using System.Text;
using System.Text.RegularExpressions;
using Xunit;
using ZstdSharp.Unsafe;

namespace EdgeMatrix.Storage.Tests.EventBodies;

/// <summary>
/// Makes the dictionary of <see cref="EventBodyCodec"/> from generated events, and writes it as <c>EventBody.dict</c> beside
/// the test program. A dictionary in use is never replaced: a new one goes in beside it, with a new format number.
/// </summary>
public sealed partial class EventBodyDictionaryTrainer
{
    private const int Samples = 20_000;
    private const int MaxDictionaryBytes = 16 * 1024;
    private const int WholeKinds = 8;
    private const uint DictionaryId = 32_768;

    [Fact]
    public void The_shipped_dictionary_is_trained_from_generated_events_alone()
    {
        var trained = Train();
        File.WriteAllBytes(Path.Combine(AppContext.BaseDirectory, "EventBody.dict"), trained);

        using var shipped = typeof(EventBodyCodec).Assembly.GetManifestResourceStream("EdgeMatrix.Storage.EventBody1.dict")!;
        using var bytes = new MemoryStream();
        shipped.CopyTo(bytes);
        Assert.Equal(trained, bytes.ToArray());
    }

    /// <summary>The text of an event of every kind, and the letter and match statistics of many in their usual shares.</summary>
    private static unsafe byte[] Train()
    {
        var events = new GeneratedEvents(seed: 12);

        var content = Content(events);
        var samples = Enumerable.Range(0, Samples).Select(_ => Fold(events.Next())).ToArray();
        var joined = samples.SelectMany(sample => sample).ToArray();
        var sizes = samples.Select(sample => (nuint)sample.Length).ToArray();
        var dictionary = new byte[MaxDictionaryBytes];
        fixed (byte* target = dictionary, source = content, all = joined)
        fixed (nuint* lengths = sizes)
        {
            var parameters = new ZDICT_params_t { compressionLevel = 9, dictID = DictionaryId };
            var length = Methods.ZDICT_finalizeDictionary(
                target, (nuint)dictionary.Length, source, (nuint)content.Length, all, lengths, (uint)sizes.Length, parameters);
            Assert.False(Methods.ZDICT_isError(length));
            return dictionary[..(int)length];
        }
    }

    /// <summary>
    /// The last is the nearest, hence the cheapest to refer to: the common kinds come last, and whole. Of the rare ones there
    /// is what sets them apart. Random letters would only take room.
    /// </summary>
    private static byte[] Content(GeneratedEvents events)
    {
        var kinds = events.OfEachKind().Select(json => Encoding.UTF8.GetString(Fold(json))).Select(text => LongRun().Replace(text, "")).ToArray();
        var rare = kinds[..^WholeKinds].Select(text => text[text.IndexOf("\"content\"", StringComparison.Ordinal)..text.IndexOf("\"depth\"", StringComparison.Ordinal)]
            + text[Math.Max(text.IndexOf("\"state_key\"", StringComparison.Ordinal), text.LastIndexOf("\"type\"", StringComparison.Ordinal))..]);
        return Encoding.UTF8.GetBytes(string.Concat(rare.Concat(kinds[^WholeKinds..])));
    }

    [GeneratedRegex("[A-Za-z0-9+/]{30,}")]
    private static partial Regex LongRun();

    private static byte[] Fold(string json)
    {
        var body = Encoding.UTF8.GetBytes(json);
        var text = new byte[body.Length];
        Assert.True(FoldedBody.TryFold(body, text, new byte[FoldedBody.MaxRawBytes], out var length, out _));
        return text[..length];
    }
}
