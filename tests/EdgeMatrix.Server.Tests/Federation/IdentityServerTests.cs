using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Invites by e-mail, and addresses that an identity server knows.</summary>
public sealed class IdentityServerTests : TwoServers
{
    private const string V3 = "/_matrix/client/v3";
    private const string Chosen = "\"id_server\":\"id.example\",\"id_access_token\":\"sesame\"";

    private readonly IdentityPeer _identity = new();

    [Theory]
    [InlineData("one")]
    [InlineData("two")]
    public async Task Whoever_has_an_address_that_the_identity_server_knows_is_invited_as_they_are(string server)
    {
        var (alice, room, invited) = await MeetAsync(server);
        _identity.Users["lemur@example.org"] = invited.UserId;

        Assert.Equal((200, null), (await InviteAsync(alice, room)).Error);
        Assert.Equal("invite", (await MemberAsync(alice, room, invited.UserId))["membership"].GetString());
        Assert.Equal(HttpStatusCode.OK, (await invited.PostAsync($"{V3}/join/{room}", "{}")).Status);
        Assert.Empty(_identity.Invites);
    }

    [Theory]
    [InlineData("one")]
    [InlineData("two")]
    public async Task An_address_that_it_does_not_know_is_invited_once_it_does(string server)
    {
        var (alice, room, invited) = await MeetAsync(server);
        Assert.Equal((200, null), (await InviteAsync(alice, room)).Error);
        var invite = Assert.Single(_identity.Invites);
        Assert.Equal((alice.UserId, room), (invite["sender"]!.GetValue<string>(), invite["room_id"]!.GetValue<string>()));
        var stored = await alice.GetAsync($"{V3}/rooms/{room}/state/m.room.third_party_invite/token");
        Assert.Equal(("l...@e...", _identity.PublicKey), (stored["display_name"].GetString(), stored["public_key"].GetString()));

        Assert.Equal((200, null), (await _identity.BindAsync(invited.Server, invited.UserId)).Error);
        var member = await MemberAsync(alice, room, invited.UserId);
        Assert.Equal("l...@e...", member["third_party_invite"].GetProperty("display_name").GetString());
        Assert.Equal(HttpStatusCode.OK, (await invited.PostAsync($"{V3}/join/{room}", "{}")).Status);
    }

    [Fact]
    public async Task What_it_signed_lets_the_user_join_at_once()
    {
        var (alice, room, invited) = await MeetAsync("one");
        await InviteAsync(alice, room);
        var signed = _identity.Signed(invited.UserId);
        signed["sender"] = alice.UserId;
        signed = _identity.Sign(signed);

        Assert.Equal((403, "M_FORBIDDEN"), (await alice.PostAsync($"{V3}/join/{room}", $$"""{"third_party_signed":{{signed}}}""")).Error);
        Assert.Equal(HttpStatusCode.OK, (await invited.PostAsync($"{V3}/join/{room}", $$"""{"third_party_signed":{{signed}}}""")).Status);
    }

    [Fact]
    public async Task Nobody_is_invited_by_a_key_that_the_room_does_not_name_or_that_is_withdrawn()
    {
        var (alice, room, invited) = await MeetAsync("one");
        await InviteAsync(alice, room);

        _identity.Valid = false;
        Assert.Equal((403, "M_FORBIDDEN"), (await _identity.BindAsync(One, invited.UserId)).Error);
        _identity.Valid = true;
        Assert.Equal((403, "M_FORBIDDEN"), (await new IdentityPeer().BindAsync(One, invited.UserId, alice.UserId, room)).Error);
        Assert.Equal((404, "M_NOT_FOUND"), (await MemberAsync(alice, room, invited.UserId)).Error);
    }

    [Fact]
    public async Task Nobody_gets_mail_of_an_invite_that_its_sender_may_not_make()
    {
        var (alice, room, other) = await MeetAsync("one");
        Assert.Equal((403, "M_FORBIDDEN"), (await InviteAsync(other, room)).Error);
        Assert.Equal(0, _identity.Asked);

        Assert.Equal((400, "M_MISSING_PARAM"), (await alice.PostAsync($"{V3}/rooms/{room}/invite", """{"medium":"email","address":"a@b.c"}""")).Error);
        Assert.Equal((401, "M_UNAUTHORIZED"), (await alice.PostAsync(
            $"{V3}/rooms/{room}/invite", """{"medium":"email","address":"a@b.c","id_server":"id.example","id_access_token":"wrong"}""")).Error);
        Assert.Equal((502, "M_UNKNOWN"), (await alice.PostAsync(
            $"{V3}/rooms/{room}/invite", """{"medium":"email","address":"a@b.c","id_server":"nowhere","id_access_token":"x"}""")).Error);
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.PostAsync(
            $"{V3}/rooms/{room}/invite", """{"medium":"email","address":"a@b.c","id_server":"a/b","id_access_token":"x"}""")).Error);
    }

    [Fact]
    public async Task A_new_room_invites_by_address_too()
    {
        var (alice, _, invited) = await MeetAsync("one");
        _identity.Users["lemur@example.org"] = invited.UserId;
        var room = await alice.CreateRoomAsync($$"""{"invite_3pid":[{{{Chosen}},"medium":"email","address":"Lemur@Example.org"}]}""");

        Assert.Equal("invite", (await MemberAsync(alice, room, invited.UserId))["membership"].GetString());
        Assert.Equal((400, "M_INVALID_PARAM"), (await alice.PostAsync($"{V3}/createRoom", """{"invite_3pid":[{"medium":"email"}]}""")).Error);
    }

    [Fact]
    public async Task An_address_is_bound_and_unbound_by_the_user_and_with_the_account()
    {
        var (alice, _, _) = await MeetAsync("one");
        Assert.Equal((400, "M_MISSING_PARAM"), (await alice.PostAsync($"{V3}/account/3pid/bind", """{"sid":"1"}""")).Error);
        Assert.Equal((404, "M_NOT_VALID"), (await BindAsync(alice, "other")).Error);
        Assert.Equal("no-support", Result(await alice.PostAsync($"{V3}/account/3pid/unbind", """{"medium":"email","address":"lemur@example.org"}""")));

        foreach (var path in (string[])["unbind", "delete"])
        {
            Assert.Equal((200, null), (await BindAsync(alice, "proved")).Error);
            Assert.Equal(alice.UserId, _identity.Users["lemur@example.org"]);
            Assert.Equal("success", Result(await alice.PostAsync($"{V3}/account/3pid/{path}", """{"medium":"email","address":"lemur@example.org"}""")));
            Assert.Empty(_identity.Users);
        }

        await BindAsync(alice, "proved");
        var deactivated = await alice.PostAsync(
            $"{V3}/account/deactivate", """{"auth":{"type":"m.login.password","identifier":{"type":"m.id.user","user":"alice"},"password":"secret"}}""");
        Assert.Equal("success", Result(deactivated));
        Assert.Empty(_identity.Users);

        static string? Result(TestAnswer answer) => answer["id_server_unbind_result"].GetString();
    }

    private async Task<(TestSession Alice, string Room, TestSession Other)> MeetAsync(string server)
    {
        Network.Join("id.example", _identity);
        var (alice, other) = (await One.RegisterAsync("alice"), await (server == "one" ? One : Two).RegisterAsync("lemur"));
        return (alice, await alice.CreateRoomAsync("""{"preset":"private_chat"}"""), other);
    }

    private static Task<TestAnswer> InviteAsync(TestSession sender, string room) =>
        sender.PostAsync($"{V3}/rooms/{room}/invite", $$"""{{{Chosen}},"medium":"email","address":"Lemur@Example.org"}""");

    private static Task<TestAnswer> BindAsync(TestSession user, string sid) =>
        user.PostAsync($"{V3}/account/3pid/bind", $$"""{{{Chosen}},"sid":"{{sid}}","client_secret":"s"}""");

    private static Task<TestAnswer> MemberAsync(TestSession user, string room, string userId) =>
        user.GetAsync($"{V3}/rooms/{room}/state/m.room.member/{userId}");

    /// <summary>An identity server.</summary>
    private sealed class IdentityPeer : HttpMessageHandler
    {
        private const string Pepper = "salt";

        private readonly SigningKey _key = SigningKey.FromSeed("0", RandomNumberGenerator.GetBytes(32));

        public Dictionary<string, string> Users { get; } = [];

        public List<JsonObject> Invites { get; } = [];

        public bool Valid { get; set; } = true;

        public int Asked { get; private set; }

        public string PublicKey => UnpaddedBase64.Encode(_key.PublicKey);

        public JsonObject Signed(string userId) => Sign(new JsonObject { ["mxid"] = userId, ["token"] = "token" });

        public JsonObject Sign(JsonObject value)
        {
            value.Remove("signatures");
            return JsonNode.Parse(SignedJson.Sign(JsonElement.Parse(value.ToJsonString()), "id.example", _key))!.AsObject();
        }

        /// <summary>Tells a server whose the address of the invites is.</summary>
        public Task<TestAnswer> BindAsync(TestHomeserver server, string userId, string? sender = null, string? room = null) => server.PostAsync(
            "/_matrix/federation/v1/3pid/onbind",
            new JsonObject
            {
                ["mxid"] = userId,
                ["medium"] = "email",
                ["address"] = "lemur@example.org",
                ["invites"] = new JsonArray(new JsonObject
                {
                    ["mxid"] = userId,
                    ["room_id"] = room ?? Invites[0]["room_id"]!.GetValue<string>(),
                    ["sender"] = sender ?? Invites[0]["sender"]!.GetValue<string>(),
                    ["signed"] = Signed(userId),
                }),
            }.ToJsonString());

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked++;
            var path = request.RequestUri!.AbsolutePath;
            var body = request.Content is null ? [] : JsonNode.Parse(await request.Content.ReadAsStringAsync(cancellationToken))!.AsObject();
            var authorization = request.Headers.TryGetValues("Authorization", out var values) ? values.First() : "";
            if (path == "/valid")
            {
                return Answer(new JsonObject { ["valid"] = Valid && request.RequestUri.Query == "?public_key=" + Uri.EscapeDataString(PublicKey) });
            }

            if (path == "/_matrix/identity/v2/3pid/unbind")
            {
                var address = body["threepid"]!["address"]!.GetValue<string>();
                return authorization.StartsWith("X-Matrix origin=\"one\",destination=\"id.example\"", StringComparison.Ordinal)
                    && Users.GetValueOrDefault(address) == body["mxid"]!.GetValue<string>() && Users.Remove(address)
                        ? Answer([])
                        : Refuse(HttpStatusCode.Forbidden, "M_FORBIDDEN");
            }

            if (authorization != "Bearer sesame")
            {
                return Refuse(HttpStatusCode.Unauthorized, "M_UNAUTHORIZED");
            }

            switch (path)
            {
                case "/_matrix/identity/v2/hash_details":
                    return Answer(new JsonObject { ["algorithms"] = new JsonArray("sha256"), ["lookup_pepper"] = Pepper });
                case "/_matrix/identity/v2/lookup":
                    var found = Users.Where(user => body["addresses"]!.AsArray().Any(hash => hash!.GetValue<string>() == Hash(user.Key)))
                        .Select(user => KeyValuePair.Create(Hash(user.Key), (JsonNode?)user.Value));
                    return Answer(new JsonObject { ["mappings"] = new JsonObject(found) });
                case "/_matrix/identity/v2/store-invite":
                    Invites.Add(body);
                    var key = new JsonObject { ["public_key"] = PublicKey, ["key_validity_url"] = "https://id.example/valid" };
                    return Answer(new JsonObject { ["token"] = "token", ["display_name"] = "l...@e...", ["public_keys"] = new JsonArray(key) });
                case "/_matrix/identity/v2/3pid/bind" when body["sid"]!.GetValue<string>() == "proved":
                    Users["lemur@example.org"] = body["mxid"]!.GetValue<string>();
                    return Answer(new JsonObject { ["medium"] = "email", ["address"] = "lemur@example.org" });
                default:
                    return Refuse(HttpStatusCode.NotFound, "M_NOT_VALID");
            }
        }

        private static string Hash(string address) => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($"{address} email {Pepper}")));

        private static HttpResponseMessage Answer(JsonObject body) => TamperedServer.Answer(HttpStatusCode.OK, body.ToJsonString());

        private static HttpResponseMessage Refuse(HttpStatusCode status, string code) =>
            TamperedServer.Answer(status, new JsonObject { ["errcode"] = code, ["error"] = "No" }.ToJsonString());
    }
}
