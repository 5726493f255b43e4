namespace EdgeMatrix.Benchmarks.Worlds;

/// <summary>Text as people write it: a few to some dozens of words, the same at every run.</summary>
internal static class Texts
{
    private static readonly string[] Words =
    [
        "the", "a", "of", "and", "to", "in", "is", "that", "it", "for", "was", "on", "are", "with", "they", "at", "be", "this", "have", "from",
        "pump", "sensor", "kitchen", "garden", "battery", "antenna", "tomorrow", "firmware", "meeting", "photo", "lunch", "train", "release",
        "works", "broke", "restarted", "again", "thanks", "sure", "why", "because", "maybe", "please", "look", "café", "größer", "привет", "東京",
    ];

    public static string Message(int number)
    {
        var random = new Random(number);
        return string.Join(' ', Enumerable.Range(0, 3 + random.Next(22)).Select(_ => Words[random.Next(Words.Length)]));
    }
}
