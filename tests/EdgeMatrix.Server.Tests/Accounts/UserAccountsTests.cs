using EdgeMatrix.Accounts;
using EdgeMatrix.Server.Tests.ClientApi;
using Xunit;

namespace EdgeMatrix.Server.Tests.Accounts;

public sealed class UserAccountsTests
{
    [Fact]
    public async Task The_administrator_adds_lists_and_resets()
    {
        await using var server = await ClientApiServer.StartAsync();

        var (root, _) = await server.Accounts.AddAsync("root", "first", admin: true, CancellationToken.None);
        await server.Accounts.AddAsync("alice", "secret", admin: false, CancellationToken.None);
        Assert.Equal(
            [("@alice:test", false), ("@root:test", true)],
            server.Accounts.List().Select(account => (account.UserId, account.Admin)));

        await server.Accounts.SetPasswordAsync(root!.User, "second", logOut: true, except: null, CancellationToken.None);
        Assert.Null(await server.Accounts.AuthenticateAsync("root", "first", CancellationToken.None));
        Assert.Equal("@root:test", (await server.Accounts.AuthenticateAsync("root", "second", CancellationToken.None))!.UserId);
    }

    [Fact]
    public async Task Of_two_who_want_a_name_at_once_one_gets_it()
    {
        await using var server = await ClientApiServer.StartAsync();

        var both = await Task.WhenAll(
            server.Accounts.AddAsync("alice", "one", admin: false, CancellationToken.None),
            server.Accounts.AddAsync("alice", "two", admin: false, CancellationToken.None));

        Assert.Equal([UsernameVerdict.Free, UsernameVerdict.InUse], both.Select(outcome => outcome.Verdict).Order());
    }

    [Fact]
    public async Task An_account_without_a_password_has_no_password_login()
    {
        await using var server = await ClientApiServer.StartAsync();
        await server.Accounts.AddAsync("bot", null, admin: false, CancellationToken.None);

        Assert.Null(await server.Accounts.AuthenticateAsync("bot", "", CancellationToken.None));
    }
}
