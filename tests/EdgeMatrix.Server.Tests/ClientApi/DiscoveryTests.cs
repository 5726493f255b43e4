using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class DiscoveryTests
{
    [Fact]
    public async Task Versions_are_told_to_anybody()
    {
        await using var server = await TestHomeserver.StartAsync();

        var answer = await server.GetAsync("/_matrix/client/versions");

        Assert.Equal("v1.19", answer["versions"].EnumerateArray().Last().GetString());
        Assert.Contains("v1.11", answer["versions"].EnumerateArray().Select(version => version.GetString()));
        Assert.True(answer["unstable_features"].GetProperty("org.matrix.msc4222").GetBoolean());
    }

    [Fact]
    public async Task The_well_known_names_the_public_address()
    {
        await using var server = await TestHomeserver.StartAsync(
            options => options with { Server = options.Server with { PublicBaseUrl = "https://matrix.example" } });

        Assert.Equal("""{"m.homeserver":{"base_url":"https://matrix.example"}}""", (await server.GetAsync("/.well-known/matrix/client")).Body);
    }

    [Fact]
    public async Task Without_a_public_address_there_is_no_well_known()
    {
        await using var server = await TestHomeserver.StartAsync();

        Assert.Equal((404, "M_NOT_FOUND"), (await server.GetAsync("/.well-known/matrix/client")).Error);
    }

    [Fact]
    public async Task Users_are_told_whom_they_can_turn_to()
    {
        await using var server = await TestHomeserver.StartAsync(options => options with
        {
            Support = new() { Contacts = ["m.role.admin @admin:example.org admin@example.org", "m.role.security sec@example.org"], Page = "https://example.org/help" },
        });
        await using var silent = await TestHomeserver.StartAsync();

        Assert.Equal(
            """
            {"contacts":[{"matrix_id":"@admin:example.org","email_address":"admin@example.org","role":"m.role.admin"},{"email_address":"sec@example.org","role":"m.role.security"}],"support_page":"https://example.org/help"}
            """,
            (await server.GetAsync("/.well-known/matrix/support")).Body);
        Assert.Equal((404, "M_NOT_FOUND"), (await silent.GetAsync("/.well-known/matrix/support")).Error);
    }

    [Theory]
    [InlineData("m.role.admin")]
    [InlineData("m.role.admin nobody")]
    [InlineData("m.role.admin a@b c@d")]
    public void A_contact_has_a_role_and_a_way_to_reach_it(string text) => Assert.NotNull(EdgeMatrix.Configuration.SupportText.Refuse(text));

    [Fact]
    public async Task Capabilities_name_the_room_versions()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        var versions = (await alice.GetAsync("/_matrix/client/v3/capabilities"))["capabilities"].GetProperty("m.room_versions");

        var available = string.Join(',', Enumerable.Range(1, 12).Select(version => $"\"{version}\":\"stable\""));
        Assert.Equal($$$"""{"default":"12","available":{{{{available}}}}}""", versions.GetRawText());
    }

    [Fact]
    public async Task There_is_no_turn_server_and_there_are_no_pushers()
    {
        await using var server = await TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");

        Assert.Equal((404, "M_NOT_FOUND"), (await alice.GetAsync("/_matrix/client/v3/voip/turnServer")).Error);
        Assert.Equal("""{"pushers":[]}""", (await alice.GetAsync("/_matrix/client/v3/pushers")).Body);
    }
}
