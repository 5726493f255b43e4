using System.Text;
using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Fuzz;

/// <summary>What mutations start from: events of every room version as the builder makes them, key answers, and plain JSON.</summary>
internal static class Corpus
{
    private const string AnEventId = "$GbmCrCoS6hg7-rHjhc-kTlcVaHN8T34OUcQTlThoGh0";

    private static readonly (string Type, string? StateKey, string Content)[] Drafts =
    [
        ("m.room.create", "", """{"creator":"@alice:test","room_version":"12"}"""),
        ("m.room.member", "@alice:test", """{"membership":"join","displayname":"Alice \"A\" \n"}"""),
        ("m.room.member", "@bob:b", """{"membership":"invite","third_party_invite":{"display_name":"B","signed":{"mxid":"@bob:b","token":"t","signatures":{}}}}"""),
        ("m.room.member", "@alice:test", """{"membership":"join","join_authorised_via_users_server":"@x:y:8448"}"""),
        ("m.room.power_levels", "", """{"users":{"@alice:test":100},"events":{"m.room.name":50},"ban":50,"invite":0}"""),
        ("m.room.join_rules", "", """{"join_rule":"restricted","allow":[{"type":"m.room_membership","room_id":"!a:b"}]}"""),
        ("m.room.redaction", null, """{"reason":"x","redacts":"$GbmCrCoS6hg7-rHjhc-kTlcVaHN8T34OUcQTlThoGh0"}"""),
        ("m.room.message", null, """{"msgtype":"m.text","body":"日本語 😀 \u2028"}"""),
        ("org.example.\u0001", "\\\"", """{"":{"":[[],{},null,true,-9007199254740991]}}"""),
    ];

    public static SigningKey Key() => SigningKey.FromSeed("fuzz", new byte[SigningKey.SeedBytes]);

    public static List<byte[]> Make()
    {
        using var key = Key();
        var corpus = new List<byte[]>();
        foreach (var version in Versions.All)
        {
            foreach (var (type, stateKey, content) in Drafts)
            {
                var draft = new EventDraft(type, stateKey, "@alice:test", JsonElement.Parse(content));
                if (Make(draft, version, key) is { } made)
                {
                    corpus.Add(made);
                }
            }
        }

        corpus.Add(Encoding.UTF8.GetBytes("{}"));
        corpus.Add(Encoding.UTF8.GetBytes("""{"b":[1,2,{"c":"\ud83d\ude00"}],"a":{"x":null}}"""));
        corpus.Add(SignedJson.Sign(
            JsonElement.Parse(
                $$"""
                {"server_name":"test","valid_until_ts":1700000000000,"old_verify_keys":{},
                 "verify_keys":{"ed25519:fuzz":{"key":"{{UnpaddedBase64.Encode(key.PublicKey)}}"} } }
                """),
            "test",
            key));
        return corpus;
    }

    private static byte[]? Make(EventDraft draft, RoomVersion version, SigningKey key)
    {
        var roomId = version.CreateEventIsRoomId ? $"!{AnEventId[1..]}" : "!room:test";
        var cited = version.EventIdFormat == EventIdFormat.Chosen
            ? new EventReference("$chosen:test", AnEventId[1..])
            : new EventReference(AnEventId, null);
        var links = new EventLinks([cited], [cited], 7);
        return EventBuilder.Build(draft, version, roomId, links, 1_700_000_000_000, key, "test").Event?.Json.ToArray();
    }
}
