using EdgeMatrix.Accounts;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Accounts;

public sealed class UserAccountsTests
{
    [Fact]
    public async Task The_administrator_adds_lists_and_resets()
    {
        await using var server = await TestHomeserver.StartAsync();
        var accounts = server.Part<UserAccounts>();

        var (root, _) = await accounts.AddAsync("root", "first", admin: true, CancellationToken.None);
        await accounts.AddAsync("alice", "secret", admin: false, CancellationToken.None);
        Assert.Equal(
            [("@alice:test", false), ("@root:test", true)],
            accounts.List().Select(account => (account.UserId, account.Admin)));

        await accounts.SetPasswordAsync(root!.User, "second", logOut: true, except: null, CancellationToken.None);
        Assert.Null(await accounts.AuthenticateAsync("root", "first", CancellationToken.None));
        Assert.Equal("@root:test", (await accounts.AuthenticateAsync("root", "second", CancellationToken.None))!.UserId);
    }

    [Fact]
    public async Task Of_two_who_want_a_name_at_once_one_gets_it()
    {
        await using var server = await TestHomeserver.StartAsync();
        var accounts = server.Part<UserAccounts>();

        var both = await Task.WhenAll(
            accounts.AddAsync("alice", "one", admin: false, CancellationToken.None),
            accounts.AddAsync("alice", "two", admin: false, CancellationToken.None));

        Assert.Equal([UsernameVerdict.Free, UsernameVerdict.InUse], both.Select(outcome => outcome.Verdict).Order());
    }

    [Fact]
    public async Task An_account_without_a_password_has_no_password_login()
    {
        await using var server = await TestHomeserver.StartAsync();
        var accounts = server.Part<UserAccounts>();
        await accounts.AddAsync("bot", null, admin: false, CancellationToken.None);

        Assert.Null(await accounts.AuthenticateAsync("bot", "", CancellationToken.None));
    }
}
