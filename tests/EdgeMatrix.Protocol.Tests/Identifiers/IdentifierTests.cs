using EdgeMatrix.Protocol.Identifiers;
using Xunit;

namespace EdgeMatrix.Protocol.Tests.Identifiers;

public sealed class IdentifierTests
{
    [Theory]
    [InlineData("matrix.org")]
    [InlineData("matrix.org:8888")]
    [InlineData("1.2.3.4")]
    [InlineData("1.2.3.4:1234")]
    [InlineData("[1234:5678::abcd]")]
    [InlineData("[1234:5678::abcd]:5678")]
    [InlineData("localhost")]
    public void A_server_name_of_the_specification_is_valid(string name) => Assert.True(ServerName.IsValid(name));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(":80")]
    [InlineData("a:")]
    [InlineData("a:123456")]
    [InlineData("a:b")]
    [InlineData("a:1:2")]
    [InlineData("under_score")]
    [InlineData("[::1")]
    [InlineData("[]")]
    [InlineData("[xyz]")]
    [InlineData("[1:2]")]
    [InlineData("[::1]x")]
    [InlineData("müller.de")]
    public void Anything_else_is_no_server_name(string? name) => Assert.False(ServerName.IsValid(name));

    [Fact]
    public void A_user_id_falls_apart_at_its_first_colon()
    {
        Assert.True(UserId.TryParse("@alice:example.org:8448", out var alice));

        Assert.Equal(("alice", "example.org:8448", "@alice:example.org:8448"), (alice.Localpart, alice.ServerName, alice.Value));
    }

    [Theory]
    [InlineData("@:example.org")]
    [InlineData("@Älice und Bob!:example.org")]
    [InlineData("@a\u0001:example.org")]
    public void A_historical_user_id_is_accepted(string id) => Assert.True(UserId.TryParse(id, out _));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("@")]
    [InlineData("@alice")]
    [InlineData("@alice:")]
    [InlineData("alice:example.org")]
    [InlineData("@a\0:example.org")]
    [InlineData("@a:exa mple.org")]
    public void Anything_else_is_no_user_id(string? id) => Assert.False(UserId.TryParse(id, out _));

    // Not in a table: a test runner passes its tables on as UTF-8, which has no half surrogates.
    [Fact]
    public void Half_a_surrogate_pair_is_in_no_user_id()
    {
        Assert.False(UserId.TryParse("@\uD800:example.org", out _));
        Assert.False(UserId.TryParse("@\uDC00:example.org", out _));
        Assert.True(UserId.TryParse("@\U0001F600:example.org", out _));
    }

    [Fact]
    public void The_limit_is_255_bytes_and_not_characters()
    {
        Assert.True(UserId.TryParse($"@{new string('a', 252)}:b", out _));
        Assert.False(UserId.TryParse($"@{new string('a', 253)}:b", out _));
        Assert.False(UserId.TryParse($"@{new string('ä', 127)}:b", out _));
        Assert.False(RoomAlias.TryParse($"#{new string('ä', 127)}:b", out _));
        Assert.False(EventId.IsValid("$" + new string('a', 255)));
    }

    [Theory]
    [InlineData("alice", true)]
    [InlineData("a.b_c=d-e/f+9", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("Alice", false)]
    [InlineData("al ice", false)]
    [InlineData("älice", false)]
    public void A_new_account_keeps_to_the_strict_grammar(string? localpart, bool valid) =>
        Assert.Equal(valid, UserId.IsValidNewLocalpart(localpart));

    [Theory]
    [InlineData("!abc:example.org", true)]
    [InlineData("!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ", true)]
    [InlineData("!", false)]
    [InlineData("!:example.org", false)]
    [InlineData("!abc:", false)]
    [InlineData("#abc:example.org", false)]
    public void Room_ids_come_with_and_without_a_server(string id, bool valid) => Assert.Equal(valid, RoomId.IsValid(id));

    [Fact]
    public void An_alias_has_a_name_and_a_server()
    {
        Assert.True(RoomAlias.TryParse("#größe 5:example.org", out var alias));

        Assert.Equal(("größe 5", "example.org"), (alias.Localpart, alias.ServerName));
        Assert.False(RoomAlias.TryParse("#:example.org", out _));
        Assert.False(RoomAlias.TryParse("#a", out _));
    }
}
