using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

/// <summary>Users of other servers where users of this one look for people.</summary>
public sealed class RemoteMembersTests : RoomOfTwo
{
    [Fact]
    public async Task Members_of_other_servers_are_listed_and_found_by_those_who_share_a_room()
    {
        var carol = await Two.RegisterAsync("carol", "CAROL");
        var dave = await Two.RegisterAsync("dave");
        var room = await carol.CreateRoomAsync();
        var content = JsonContent.Object(json =>
        {
            json.WriteString("membership", "join");
            json.WriteString("displayname", "Robert Baker");
            json.WriteString("avatar_url", "mxc://one/bob");
        });
        await ReceiveAsync(room, await BuildAsync(room, new EventDraft("m.room.member", BobId, BobId, content)));

        const string Bob = """{"user_id":"@bob:one","display_name":"Robert Baker","avatar_url":"mxc://one/bob"}""";
        foreach (var term in new[] { "bak", "@bob", "Robert Baker" })
        {
            var found = await carol.PostAsync("/_matrix/client/v3/user_directory/search", $$"""{"search_term":"{{term}}"}""");
            Assert.Equal($$"""{"limited":false,"results":[{{Bob}}]}""", found.Body);
        }

        Assert.Equal(
            """{"limited":false,"results":[]}""",
            (await dave.PostAsync("/_matrix/client/v3/user_directory/search", """{"search_term":"bak"}""")).Body);
        Assert.Equal(
            """{"avatar_url":"mxc://one/bob","display_name":"Robert Baker"}""",
            (await carol.GetAsync($"/_matrix/client/v3/rooms/{room}/joined_members"))["joined"].GetProperty(BobId).ToString());

        await MoveAsync(room, "leave");
        Assert.Equal(
            """{"limited":false,"results":[]}""",
            (await carol.PostAsync("/_matrix/client/v3/user_directory/search", """{"search_term":"bak"}""")).Body);
    }
}
