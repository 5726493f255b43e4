using System.Globalization;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Benchmarks.Protocol;

/// <summary>A thousand events of a join, read and checked on one core and on two.</summary>
[MemoryDiagnoser]
public class BatchVerification
{
    private const int Events = 1_000;

    private readonly SigningKey _key = SigningKey.FromSeed("a_test", new byte[SigningKey.SeedBytes]);
    private List<ReadOnlyMemory<byte>> _events = [];
    private VerifyKey _verifyKey = null!;

    [Params(1, 2)]
    public int Cores { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var cited = new EventReference("$GbmCrCoS6hg7-rHjhc-kTlcVaHN8T34OUcQTlThoGh0", null);
        _events = [.. Enumerable.Range(0, Events).Select(index => EventBuilder.Build(
            new EventDraft(
                EventTypes.Member,
                string.Create(CultureInfo.InvariantCulture, $"@user{index}:example.org"),
                string.Create(CultureInfo.InvariantCulture, $"@user{index}:example.org"),
                JsonElement.Parse("""{"avatar_url":"mxc://example.org/abcdefghijklmnop","displayname":"A user","membership":"join"}""")),
            Versions.V11,
            "!room:example.org",
            new EventLinks([cited], [cited, cited, cited], 100),
            1_700_000_000_000,
            _key,
            "example.org").Event!.Json)];
        _verifyKey = VerifyKey.TryCreate(_key.KeyId, _key.PublicKey, long.MaxValue, out var verifyKey)
            ? verifyKey
            : throw new InvalidOperationException("the key is none");
    }

    [Benchmark(OperationsPerInvoke = Events)]
    public int Receive_a_batch() =>
        EventBatch.Receive(_events, Versions.V11, (_, _) => _verifyKey, Cores, CancellationToken.None).Count(static one => one.HashMatches);
}
