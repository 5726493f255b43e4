using EdgeMatrix.CommandLine;
using EdgeMatrix.Configuration;
using Xunit;

namespace EdgeMatrix.Server.Tests.CommandLine;

public sealed class ArgumentsTests
{
    [Fact]
    public void No_argument_at_all_serves()
    {
        Assert.Equal(Command.Serve, Parse().Command);
        Assert.Empty(Parse().Settings);
    }

    [Theory]
    [InlineData("serve", Command.Serve)]
    [InlineData("user list", Command.UserList)]
    [InlineData("user add alice", Command.UserAdd)]
    [InlineData("user reset-password alice", Command.UserResetPassword)]
    [InlineData("user admin alice --off", Command.UserAdmin)]
    [InlineData("user deactivate alice --erase", Command.UserDeactivate)]
    [InlineData("room export !r:test --ndjson", Command.RoomExport)]
    [InlineData("room explain !r:test", Command.RoomExplain)]
    [InlineData("tardis --listen 127.0.0.1:1", Command.Tardis)]
    [InlineData("backup /mnt/edgematrix.tar", Command.Backup)]
    [InlineData("restore -", Command.Restore)]
    [InlineData("federation", Command.Federation)]
    [InlineData("config", Command.Config)]
    [InlineData("version", Command.Version)]
    [InlineData("--version", Command.Version)]
    [InlineData("serve --help", Command.Help)]
    [InlineData("-h", Command.Help)]
    public void Every_command_is_known_by_its_words(string line, object command)
    {
        Assert.Equal(command, Parse(line.Split(' ')).Command);
    }

    [Fact]
    public void Repeated_listeners_accumulate_and_a_setting_keeps_the_equals_signs_of_its_value()
    {
        var settings = Parse(
            "serve", "--data", "/d", "--listen", "http://a:1", "--set", "admin.token=a=b", "--listen=https://b:2",
            "--set", "federation.hosts.\"a=b\"=\"x\"").Settings;

        Assert.Equal(
            [("--set", "admin.token"), ("--set", "federation.hosts.\"a=b\""), ("--data", "server.data"), ("--listen", "server.listen")],
            settings.Select(setting => (setting.Option, setting.Key)));
        Assert.Equal("a=b", settings[0].Value);
        Assert.Equal("\"x\"", settings[1].Value);
        Assert.Equal(new List<object> { "http://a:1", "https://b:2" }, settings[3].Value);
    }

    [Fact]
    public void Listeners_of_the_command_line_take_the_place_of_those_in_the_file()
    {
        var config = ConfigLoader.Load(
            new ConfigSources
            {
                Environment = [new("EDGEMATRIX_SERVER__LISTEN", "http://127.0.0.1:1")],
                CommandLine = Parse("--listen", "http://127.0.0.1:2", "--listen", "http://127.0.0.1:3").Settings,
            },
            out _);

        Assert.Equal(["http://127.0.0.1:2", "http://127.0.0.1:3"], config!.Options.Server.Listen);
    }

    [Fact]
    public void Options_of_a_user_command_may_stand_anywhere()
    {
        var invocation = Parse("--data", "/d", "user", "add", "--admin", "alice", "--password-stdin");

        Assert.Equal("alice", invocation.UserName);
        Assert.True(invocation.Admin);
        Assert.True(invocation.PasswordFromStdin);
    }

    [Fact]
    public void A_room_to_explain_is_one_of_the_data_folder_or_of_a_file()
    {
        var stored = Parse("room", "explain", "!r:test", "$event");
        var file = Parse("room", "explain", "--file", "room.ndjson", "--room-version", "11", "$event");

        Assert.Equal(("!r:test", "$event", null, null), (stored.Room, stored.EventId, stored.RoomFile, stored.RoomVersion));
        Assert.Equal((null, "$event", "room.ndjson", "11"), (file.Room, file.EventId, file.RoomFile, file.RoomVersion));
    }

    [Fact]
    public void The_address_of_tardis_is_none_of_the_server()
    {
        var invocation = Parse("tardis", "--listen", "127.0.0.1:9");

        Assert.Equal("127.0.0.1:9", invocation.TardisAddress);
        Assert.Empty(invocation.Settings);
    }

    [Theory]
    [InlineData("room", "unknown command room; there are room export and room explain")]
    [InlineData("room export", "room export needs the ROOM: its id or an alias")]
    [InlineData("room export a b", "room export does not take b")]
    [InlineData("room export a --ndjson --json5", "room export takes --ndjson or --json5, not both")]
    [InlineData("room explain a --ndjson", "room explain does not take --ndjson")]
    [InlineData("room explain a --room-version 11", "room explain does not take --room-version")]
    [InlineData("room explain --file f e x", "room explain does not take x")]
    [InlineData("tardis --file f", "tardis does not take --file")]
    [InlineData("srve", "unknown command srve; did you mean serve?")]
    [InlineData("user", "unknown command user; there are user add, user list, user reset-password, user admin, user lock, user suspend, user logout, user deactivate")]
    [InlineData("user rm", "unknown command user rm; there are user add, user list, user reset-password, user admin, user lock, user suspend, user logout, user deactivate")]
    [InlineData("user add", "user add needs the NAME of a user")]
    [InlineData("user add a b", "user add does not take b")]
    [InlineData("serve now", "serve does not take now")]
    [InlineData("serve --admin", "serve does not take --admin")]
    [InlineData("user list --password-stdin", "user list does not take --password-stdin")]
    [InlineData("--dta /d", "unknown option --dta; did you mean --data?")]
    [InlineData("--data", "--data needs a value")]
    [InlineData("--admin=yes", "--admin takes no value")]
    [InlineData("--set log.level", "--set log.level: write --set KEY=VALUE")]
    public void A_wrong_line_is_told_what_is_wrong(string line, string problem)
    {
        Assert.Null(Arguments.Parse(line.Split(' '), out var told));
        Assert.Equal(problem, told);
    }

    private static Invocation Parse(params string[] arguments)
    {
        var invocation = Arguments.Parse(arguments, out var problem);
        Assert.Null(problem);
        return invocation!;
    }
}
