using EdgeMatrix.CommandLine;
using Xunit;

namespace EdgeMatrix.Server.Tests.CommandLine;

public sealed class UserCommandsTests : IDisposable
{
    private readonly List<string> _calls = [];
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task The_password_is_the_first_line_of_standard_input()
    {
        Assert.Equal(0, await RunAsync(new() { Command = Command.UserAdd, UserName = "alice", PasswordFromStdin = true, Admin = true }, input: "pa ss\nmore"));
        Assert.Equal(["add alice 'pa ss' True"], _calls);
        Assert.Equal("added @alice:test (admin)\n", _output.ToString());
    }

    [Fact]
    public async Task At_a_terminal_the_password_is_asked_for_twice()
    {
        var asked = new Queue<string>(["secret", "secret"]);
        Assert.Equal(0, await RunAsync(new() { Command = Command.UserResetPassword, UserName = "alice" }, hidden: asked));
        Assert.Equal(["reset alice 'secret'"], _calls);
        Assert.Empty(asked);
    }

    [Fact]
    public async Task Two_different_passwords_change_nothing()
    {
        Assert.Equal(2, await RunAsync(new() { Command = Command.UserAdd, UserName = "alice" }, hidden: new(["one", "two"])));
        Assert.Empty(_calls);
        Assert.Equal("edgematrix: the two passwords differ\n", _error.ToString());
    }

    [Fact]
    public async Task Without_a_terminal_the_way_out_is_named()
    {
        Assert.Equal(2, await RunAsync(new() { Command = Command.UserAdd, UserName = "alice" }));
        Assert.Equal("edgematrix: there is no terminal to ask for the password at; use --password-stdin\n", _error.ToString());
    }

    [Fact]
    public async Task An_empty_password_is_refused()
    {
        Assert.Equal(2, await RunAsync(new() { Command = Command.UserAdd, UserName = "alice", PasswordFromStdin = true }, input: "\n"));
        Assert.Empty(_calls);
    }

    [Fact]
    public async Task A_refusal_is_told_and_is_failure()
    {
        Assert.Equal(1, await RunAsync(new() { Command = Command.UserAdd, UserName = "taken", PasswordFromStdin = true }, input: "x\n"));
        Assert.Equal("edgematrix: taken is taken\n", _error.ToString());
    }

    [Fact]
    public async Task The_list_has_a_user_a_line()
    {
        Assert.Equal(0, await RunAsync(new() { Command = Command.UserList }));
        Assert.Equal("@alice:test (admin, locked)\n@bob:test\n", _output.ToString());
    }

    [Theory]
    [InlineData("admin", false, "is an administrator")]
    [InlineData("admin", true, "is no administrator")]
    [InlineData("lock", false, "is locked")]
    [InlineData("suspend", true, "is not suspended")]
    [InlineData("logout", false, "is logged out everywhere")]
    [InlineData("deactivate", false, "is deactivated")]
    public async Task A_change_is_told(string word, bool off, string told)
    {
        string[] line = ["user", word, "alice", .. off ? ["--off"] : Array.Empty<string>()];
        Assert.Equal(0, await RunAsync(Arguments.Parse(line, out _)!));
        Assert.Equal($"@alice:test {told}\n", _output.ToString());
    }

    [Fact]
    public async Task Accounts_of_a_stopped_server_are_changed()
    {
        await using var server = await EdgeMatrix.Testing.TestHomeserver.StartAsync();
        var alice = await server.RegisterAsync("alice");
        var again = await server.RestartAsync(options => options, meanwhile: async options =>
        {
            var actions = LocalAccounts.Open(options);
            foreach (var line in (string[][])[["user", "admin", "alice"], ["user", "lock", "alice"]])
            {
                Assert.Null((await actions.Change(Arguments.Parse(line, out _)!, CancellationToken.None)).Refusal);
            }

            Assert.Equal(["admin", "locked"], (await actions.List(CancellationToken.None)).Single().Standing);
            Assert.Equal("there is no user bob", (await actions.Change(Arguments.Parse(["user", "logout", "bob"], out _)!, CancellationToken.None)).Refusal);
        });
        await using (again)
        {
            Assert.Equal((401, "M_USER_LOCKED"), (await (alice with { Server = again }).GetAsync("/_matrix/client/v3/account/whoami")).Error);
        }
    }

    private Task<int> RunAsync(Invocation invocation, string input = "", Queue<string>? hidden = null)
    {
        var actions = new UserActions(
            Add: (name, password, admin, _) =>
            {
                _calls.Add($"add {name} '{password}' {admin}");
                return Task.FromResult(name == "taken" ? UserOutcome.Refuse("taken is taken") : UserOutcome.Done($"@{name}:test"));
            },
            List: _ => Task.FromResult<IReadOnlyList<ListedUser>>([new("@alice:test", ["admin", "locked"]), new("@bob:test", [])]),
            ResetPassword: (name, password, _) =>
            {
                _calls.Add($"reset {name} '{password}'");
                return Task.FromResult(UserOutcome.Done($"@{name}:test"));
            },
            Change: (invocation, _) => Task.FromResult(UserOutcome.Done($"@{invocation.UserName}:test")));
        var terminal = new Terminal(new StringReader(input).ReadLine, _output, _error) { ReadHidden = hidden is null ? null : _ => hidden.Dequeue() };
        return new UserCommands(actions, terminal).RunAsync(invocation, TestContext.Current.CancellationToken);
    }
}
