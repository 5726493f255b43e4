using System.Text.Json;
using BenchmarkDotNet.Attributes;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using NSec.Cryptography;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Benchmarks.Protocol;

/// <summary>
/// What an event from another server costs beyond the one Ed25519 verification that no server can do without: parsing, canonical JSON,
/// two SHA-256 hashes. The aim is a quarter of that verification at most.
/// </summary>
[MemoryDiagnoser]
public class EventVerification
{
    private const string Server = "example.org";
    private const string AnEventId = "$GbmCrCoS6hg7-rHjhc-kTlcVaHN8T34OUcQTlThoGh0";

    private readonly SigningKey _key = SigningKey.FromSeed("a_test", new byte[SigningKey.SeedBytes]);
    private readonly byte[] _signed = new byte[512];
    private byte[] _signature = [];
    private PublicKey _publicKey = null!;
    private byte[] _json = [];
    private VerifyKey _verifyKey = null!;

    [GlobalSetup]
    public void Setup()
    {
        var draft = new EventDraft(
            "m.room.message",
            null,
            $"@alice:{Server}",
            JsonElement.Parse("""{"body":"Good morning, this is the message of the day, of about the usual length","msgtype":"m.text"}"""));
        var cited = new EventReference(AnEventId, null);
        var links = new EventLinks([cited], [cited, cited, cited], 100);
        _json = EventBuilder.Build(draft, Versions.V11, $"!room:{Server}", links, 1_700_000_000_000, _key, Server).Event!.Json.ToArray();
        _signature = _key.Sign(_signed);
        _publicKey = PublicKey.Import(SignatureAlgorithm.Ed25519, _key.PublicKey, KeyBlobFormat.RawPublicKey);
        if (!VerifyKey.TryCreate(_key.KeyId, _key.PublicKey, long.MaxValue, out var verifyKey)
            || !ReceivedEvent.Of(_json, Versions.V11, (_, _) => verifyKey).HashMatches)
        {
            throw new InvalidOperationException("the event that is measured is not right");
        }

        _verifyKey = verifyKey;
    }

    /// <summary>libsodium alone, over as many bytes as the signed part of the event has.</summary>
    [Benchmark(Baseline = true)]
    public bool Verify_512_bytes_with_libsodium() => SignatureAlgorithm.Ed25519.Verify(_publicKey, _signed, _signature);

    /// <summary>Parse, canonicalise, hash twice, verify.</summary>
    [Benchmark]
    public bool Receive_an_event() => ReceivedEvent.Of(_json, Versions.V11, (_, _) => _verifyKey).HashMatches;

    [Benchmark]
    public bool Parse_an_event() => Pdu.Parse(_json, Versions.V11).Event is not null;
}
