using System.Globalization;
using System.Text;

namespace EdgeMatrix.Storage.Tests.EventBodies;

/// <summary>
/// Events as canonical JSON, made up from a seed: the kinds that rooms are full of, in about the shares in which they come,
/// by people, servers and words that exist only here.
/// </summary>
public sealed class GeneratedEvents(int seed)
{
    private static readonly string[] Servers = ["matrix.org", "example.org", "example.com", "chat.example.net", "home.example.de", "t2bot.io", "edge.local", "mozilla.org"];
    private static readonly string[] People = ["alice", "bob", "carol", "dan.smith", "eve", "frank_77", "grace", "heidi", "ivan", "judy-k", "mallory", "nina", "oscar", "peggy", "sensor-kitchen", "trent", "victor", "walter"];

    private static readonly string[] Words = (
        "the of and to a in is it you that for on are with as be this was have or at from not by we can an will but your all they " +
        "what there if I my do so just about like out up one no get has would which know some time think when me how more yes now good " +
        "could make need see also then than its only want way should any use work here been because who them new thanks into very did really " +
        "want look something still even same after other over two maybe first server room message test people problem day today back going " +
        "sure great okay well right does going much try where before help tomorrow morning meeting update version code issue link fine nice " +
        "hello hi hey ok please sorry again never always better working running found home phone send sent read everyone anyone question").Split(' ');

    private readonly Random _random = new(seed);
    private readonly string _room = "!" + Url(Hash(new Random(seed + 1000)));

    /// <summary>One event of each kind, the rare kinds first.</summary>
    public IEnumerable<string> OfEachKind() => Kinds().Reverse().Select(kind => kind.Make());

    /// <summary>One event, the kinds in the shares of a busy room.</summary>
    public string Next()
    {
        var kinds = Kinds();
        var draw = _random.Next(kinds.Sum(kind => kind.Share));
        foreach (var (share, make) in kinds)
        {
            draw -= share;
            if (draw < 0)
            {
                return make();
            }
        }

        throw new InvalidOperationException("The shares do not add up.");
    }

    /// <summary>An <c>m.room.message</c> of a v12 room with one parent and one event that authorises it besides.</summary>
    public string Message() => Event("m.room.message", Text(Sentence(3, 14)), parents: 1, authorisers: 1);

    private (int Share, Func<string> Make)[] Kinds() =>
    [
        (300, () => Event("m.room.message", Text(Sentence(2, 16)))),
        (250, () => Event("m.room.encrypted", Encrypted(""))),
        (60, () => Event("m.room.encrypted", Encrypted($$$""","m.relates_to":{"m.in_reply_to":{"event_id":"{{{EventId()}}}"}}"""))),
        (150, () => Member("join")),
        (60, () => Member("leave")),
        (40, () => Event("m.room.message", Reply())),
        (60, () => Event("m.reaction", $$$"""{"m.relates_to":{"event_id":"{{{EventId()}}}","key":"{{{Pick(["👍️", "❤️", "😂", "🎉", "👀", "🚀"])}}}","rel_type":"m.annotation"}}""")),
        (40, () => Event("m.room.message", Formatted())),
        (30, () => Event("m.room.message", Edit())),
        (30, () => Event("m.room.message", Thread())),
        (30, () => Event("m.room.message", Image())),
        (25, () => Member("invite")),
        (25, () => Event("m.room.redaction", $$"""{"reason":"{{Sentence(1, 4)}}","redacts":"{{EventId()}}"}""")),
        (20, () => Event("m.room.message", $$"""{"body":"{{Sentence(4, 20)}}","m.mentions":{},"msgtype":"m.notice"}""")),
        (20, () => Redacted("m.room.message", "")),
        (10, () => Redacted("m.room.member", $$""","state_key":"{{User()}}" """.TrimEnd())),
        (10, () => Event("m.room.encrypted", Encrypted($$""","m.relates_to":{"event_id":"{{EventId()}}","is_falling_back":true,"m.in_reply_to":{"event_id":"{{EventId()}}"},"rel_type":"m.thread"}"""))),
        (10, () => Event("m.room.encrypted", Encrypted($$""","m.relates_to":{"event_id":"{{EventId()}}","rel_type":"m.replace"}"""))),
        (10, () => Event("m.room.message", File("m.file", "application/pdf", ".pdf"))),
        (10, () => Event("m.room.message", File("m.video", "video/mp4", ".mp4"))),
        (10, () => Event("m.room.message", Voice())),
        (8, () => Event("m.sticker", $$$"""{"body":"{{{Sentence(1, 3)}}}","info":{"h":256,"mimetype":"image/png","size":{{{Number(90000)}}},"thumbnail_info":{"h":256,"mimetype":"image/png","size":{{{Number(90000)}}},"w":256},"thumbnail_url":"{{{Media()}}}","w":256},"url":"{{{Media()}}}"}""")),
        (8, () => Event("m.call.member", $$"""{"application":"m.call","call_id":"","device_id":"{{Device()}}","expires":14400000,"focus_active":{"focus_selection":"oldest_membership","type":"livekit"},"foci_preferred":[{"livekit_alias":"{{_room}}","livekit_service_url":"https://livekit.example.org","type":"livekit"}],"scope":"m.room"}""", $"_{User()}_{Device()}")),
        (8, () => Event("m.room.message", $$$"""{"body":"{{{Sentence(3, 9)}}}","m.mentions":{"user_ids":["{{{User()}}}"]},"msgtype":"m.emote"}""")),
        (6, () => Event("m.room.message", $$$"""{"body":"Location","geo_uri":"geo:{{{Number(90)}}}.{{{Number(1000000)}}},{{{Number(180)}}}.{{{Number(1000000)}}};u=35","msgtype":"m.location","org.matrix.msc3488.asset":{"type":"m.self"},"org.matrix.msc3488.location":{"description":"Location","uri":"geo:1,2"},"org.matrix.msc3488.ts":{{{Time()}}}}""")),
        (6, () => Event("m.room.server_acl", """{"allow":["*"],"allow_ip_literals":false,"deny":["*.example.com","bad.example.net"]}""", "")),
        (6, () => Event("m.room.pinned_events", $$"""{"pinned":["{{EventId()}}","{{EventId()}}"]}""", "")),
        (6, () => Event("m.room.power_levels", PowerLevels(), "")),
        (6, () => Event("m.space.child", $$"""{"order":"{{Word()}}","suggested":false,"via":["{{Server()}}","{{Server()}}"]}""", RoomId())),
        (6, () => Event("m.space.parent", $$"""{"canonical":true,"via":["{{Server()}}"]}""", RoomId())),
        (5, () => Event("m.room.topic", $$$"""{"m.topic":{"m.text":[{"body":"{{{Sentence(3, 12)}}}","mimetype":"text/plain"}]},"topic":"{{{Sentence(3, 12)}}}"}""", "")),
        (5, () => Event("m.room.name", $$"""{"name":"{{Sentence(1, 4)}}"}""", "")),
        (5, () => Event("m.room.avatar", $$$"""{"info":{"h":512,"mimetype":"image/jpeg","size":{{{Number(90000)}}},"w":512},"url":"{{{Media()}}}"}""", "")),
        (5, () => Event("m.room.canonical_alias", $$"""{"alias":"#{{Word()}}:{{Server()}}","alt_aliases":["#{{Word()}}:{{Server()}}"]}""", "")),
        (5, () => Event("m.room.encryption", """{"algorithm":"m.megolm.v1.aes-sha2","rotation_period_ms":604800000,"rotation_period_msgs":100}""", "")),
        (5, () => Event("m.room.guest_access", """{"guest_access":"can_join"}""", "")),
        (5, () => Event("m.room.history_visibility", $$"""{"history_visibility":"{{Pick(["shared", "invited", "joined", "world_readable"])}}"}""", "")),
        (5, () => Event("m.room.join_rules", $$"""{"join_rule":"{{Pick(["invite", "public", "knock"])}}"}""", "")),
        (5, () => Event("m.room.join_rules", $$"""{"allow":[{"room_id":"{{RoomId()}}","type":"m.room_membership"}],"join_rule":"restricted"}""", "")),
        (5, () => Event("m.poll.response", $$"""{"m.relates_to":{"event_id":"{{EventId()}}","rel_type":"m.reference"},"m.selections":["{{Word()}}"]}""")),
        (5, () => Event("m.room.third_party_invite", $$"""{"display_name":"{{Word()}}","key_validity_url":"https://{{Server()}}/_matrix/identity/v2/pubkey/isvalid","public_key":"{{Hash()}}","public_keys":[{"key_validity_url":"https://{{Server()}}/_matrix/identity/v2/pubkey/isvalid","public_key":"{{Hash()}}"}]}""", Word())),
        (5, () => Event("m.room.tombstone", $$"""{"body":"This room has been replaced","replacement_room":"{{RoomId()}}"}""", "")),
        (5, Create),
    ];

    private static string Text(string body) => $$"""{"body":"{{body}}","m.mentions":{},"msgtype":"m.text"}""";

    private string Reply()
    {
        var body = Sentence(2, 14);
        return $$$"""{"body":"{{{body}}}","m.mentions":{"user_ids":["{{{User()}}}"]},"m.relates_to":{"m.in_reply_to":{"event_id":"{{{EventId()}}}"}},"msgtype":"m.text"}""";
    }

    private string Formatted()
    {
        var user = User();
        var body = Sentence(3, 14);
        return $$"""{"body":"{{user}}: {{body}}","format":"org.matrix.custom.html","formatted_body":"<a href=\"https://matrix.to/#/{{user}}\">{{user}}</a>: <strong>{{body}}</strong><br><code>{{Word()}}</code><ul>\n<li>{{Word()}}</li>\n</ul>\n<p>{{Word()}}</p>\n","m.mentions":{"user_ids":["{{user}}"]},"msgtype":"m.text"}""";
    }

    private string Edit()
    {
        var body = Sentence(3, 14);
        return $$"""{"body":" * {{body}}","m.mentions":{},"m.new_content":{"body":"{{body}}","m.mentions":{},"msgtype":"m.text"},"m.relates_to":{"event_id":"{{EventId()}}","rel_type":"m.replace"},"msgtype":"m.text"}""";
    }

    private string Thread() =>
        $$$"""{"body":"{{{Sentence(2, 14)}}}","m.mentions":{},"m.relates_to":{"event_id":"{{{EventId()}}}","is_falling_back":true,"m.in_reply_to":{"event_id":"{{{EventId()}}}"},"rel_type":"m.thread"},"msgtype":"m.text"}""";

    private string Image() =>
        $$$"""{"body":"IMG_2026{{{Number(9999)}}}.jpg","filename":"IMG_2026{{{Number(9999)}}}.jpg","info":{"h":{{{Number(4000)}}},"mimetype":"image/jpeg","size":{{{Number(4000000)}}},"thumbnail_info":{"h":600,"mimetype":"image/jpeg","size":{{{Number(90000)}}},"w":800},"thumbnail_url":"{{{Media()}}}","w":{{{Number(4000)}}},"xyz.amorgan.blurhash":"LEHV6nWB2yk8pyo0adR*.7kCMdnj"},"m.mentions":{},"msgtype":"m.image","url":"{{{Media()}}}"}""";

    private string File(string type, string mime, string extension) =>
        $$$"""{"body":"{{{Word()}}}{{{extension}}}","file":{"hashes":{"sha256":"{{{Hash()}}}"},"iv":"{{{Letters(22)}}}","key":{"alg":"A256CTR","ext":true,"k":"{{{Hash()}}}","key_ops":["encrypt","decrypt"],"kty":"oct"},"url":"{{{Media()}}}","v":"v2"},"filename":"{{{Word()}}}{{{extension}}}","info":{"duration":{{{Number(60000)}}},"mimetype":"{{{mime}}}","size":{{{Number(4000000)}}}},"msgtype":"{{{type}}}"}""";

    private string Voice() =>
        $$$"""{"body":"Voice message.ogg","info":{"duration":{{{Number(60000)}}},"mimetype":"audio/ogg","size":{{{Number(90000)}}}},"m.mentions":{},"msgtype":"m.audio","org.matrix.msc1767.audio":{"duration":{{{Number(60000)}}},"waveform":[0,512,1024,{{{Number(1024)}}}]},"org.matrix.msc3245.voice":{},"url":"{{{Media()}}}"}""";

    private string Encrypted(string relation) =>
        $$"""{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"AwgA{{Letters(4 * _random.Next(40, 120))}}","device_id":"{{Device()}}"{{relation}},"sender_key":"{{Hash()}}","session_id":"{{Hash()}}"}""";

    private string PowerLevels() =>
        $$"""{"ban":50,"events":{"m.room.avatar":50,"m.room.canonical_alias":50,"m.room.encryption":100,"m.room.history_visibility":100,"m.room.name":50,"m.room.power_levels":100,"m.room.server_acl":100,"m.room.tombstone":150},"events_default":0,"historical":100,"invite":0,"kick":50,"notifications":{"room":50},"redact":50,"state_default":50,"users":{"{{User()}}":100,"{{User()}}":50},"users_default":0}""";

    private string Create() =>
        $$"""{"auth_events":[],"content":{"creator":"{{User()}}","m.federate":true,"predecessor":{"room_id":"{{RoomId()}}"},"room_version":"12","type":"m.space"},"depth":1,{{Tail("m.room.create", "", isCreate: true)}}""";

    private string Member(string membership)
    {
        var user = User();
        var name = Word();
        return Event("m.room.member", $$"""{"avatar_url":"{{Media()}}","displayname":"{{name}}","membership":"{{membership}}"}""", user, sender: membership == "invite" ? null : user);
    }

    private string Redacted(string type, string more)
    {
        var whole = Event(type, "{}");
        return more.Length == 0 ? whole : whole.Replace($$""","type":""", $$"""{{more}},"type":""", StringComparison.Ordinal);
    }

    private string Event(string type, string content, string? stateKey = null, string? sender = null, int parents = 0, int authorisers = 0)
    {
        parents = parents > 0 ? parents : 1 + (_random.Next(6) / 5);
        authorisers = authorisers > 0 ? authorisers : _random.Next(2, 4);
        return $$"""{"auth_events":[{{Ids(authorisers)}}],"content":{{content}},"depth":{{Number(99999)}},{{Tail(type, stateKey, false, sender, parents)}}""";
    }

    private string Tail(string type, string? stateKey, bool isCreate, string? sender = null, int parents = 0)
    {
        var server = Server();
        var room = isCreate ? "" : $"\"room_id\":\"{_room}\",";
        var state = stateKey is null ? "" : $"\"state_key\":\"{stateKey}\",";
        var key = Pick(["auto", "a_RXGa", "1", "0", "a_" + Letters(4)]);
        return $$$"""
            "hashes":{"sha256":"{{{Hash()}}}"},"origin_server_ts":{{{Time()}}},"prev_events":[{{{Ids(parents)}}}],{{{room}}}"sender":"{{{sender ?? User()}}}","signatures":{"{{{server}}}":{"ed25519:{{{key}}}":"{{{Signature()}}}"}},{{{state}}}"type":"{{{type}}}"}
            """;
    }

    private string Ids(int count) => string.Join(',', Enumerable.Range(0, count).Select(_ => $"\"{EventId()}\""));

    private string Sentence(int min, int max) => string.Join(' ', Enumerable.Range(0, _random.Next(min, max + 1)).Select(_ => Word()));

    private string Word() => Pick(Words);

    private string Server() => Pick(Servers);

    private string User() => $"@{Pick(People)}:{Server()}";

    private string Media() => $"mxc://{Server()}/{Letters(24)}";

    private string Device() => Letters(10).ToUpperInvariant();

    private string Pick(string[] choices) => choices[_random.Next(choices.Length)];

    private string Number(int max) => _random.Next(max).ToString(CultureInfo.InvariantCulture);

    private string Time() => (1_764_000_000_000 + _random.NextInt64(60_000_000_000)).ToString(CultureInfo.InvariantCulture);

    private string Letters(int count)
    {
        var letters = new StringBuilder(count);
        for (var i = 0; i < count; i++)
        {
            letters.Append("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"[_random.Next(62)]);
        }

        return letters.ToString();
    }

    private string EventId() => "$" + Url(Hash());

    private string RoomId() => "!" + Url(Hash());

    private string Hash() => Hash(_random);

    private string Signature() => Base64(_random, 64);

    private static string Url(string base64) => base64.Replace('+', '-').Replace('/', '_');

    private static string Hash(Random random) => Base64(random, 32);

    private static string Base64(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return Convert.ToBase64String(bytes).TrimEnd('=');
    }
}
