using EdgeMatrix.Accounts;
using EdgeMatrix.Configuration;
using EdgeMatrix.Protocol;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.CommandLine;

/// <summary>The accounts of a data folder that no server is using, for the <c>user</c> commands.</summary>
internal static class LocalAccounts
{
    public static UserActions Open(HomeserverOptions options) => new(
        Add: (name, password, admin, cancellation) => UseAsync(options, async accounts =>
        {
            var (account, verdict) = await accounts.AddAsync(name, password, admin, cancellation);
            return verdict switch
            {
                UsernameVerdict.Free => UserOutcome.Done(account!.UserId),
                UsernameVerdict.InUse => UserOutcome.Refuse($"there is a user {name} already"),
                _ => UserOutcome.Refuse($"{name} is no user name: small letters, digits and . _ = - / + are"),
            };
        }),
        List: _ => UseAsync(options, accounts => Task.FromResult<IReadOnlyList<ListedUser>>(
            [.. accounts.List().Select(a => new ListedUser(a.UserId, [.. WordsOf(a)]))])),
        ResetPassword: (name, password, cancellation) => UseAsync(options, async accounts =>
        {
            if (accounts.Find(name) is not { } account)
            {
                return UserOutcome.Refuse($"there is no user {name}");
            }

            if (account.IsDeactivated)
            {
                return UserOutcome.Refuse($"{name} is deactivated");
            }

            await accounts.SetPasswordAsync(account.User, password, logOut: true, except: null, cancellation);
            return UserOutcome.Done(account.UserId);
        }),
        Change: (invocation, _) => UsePartsAsync(options, parts => ChangeAsync(parts, invocation)));

    private static async Task<UserOutcome> ChangeAsync(HomeserverParts parts, Invocation invocation)
    {
        if (parts.Accounts.Find(invocation.UserName!) is not { } account)
        {
            return UserOutcome.Refuse($"there is no user {invocation.UserName}");
        }

        if (account.IsDeactivated && invocation is not { Command: Command.UserDeactivate, Erase: true })
        {
            return UserOutcome.Refuse($"{invocation.UserName} is deactivated");
        }

        var on = !invocation.Off;
        switch (invocation.Command)
        {
            case Command.UserAdmin:
                await parts.Accounts.ChangeStandingAsync(account.User, standing => standing with { Admin = on });
                break;
            case Command.UserLock:
                await parts.Accounts.ChangeStandingAsync(account.User, standing => standing with { Locked = on });
                break;
            case Command.UserSuspend:
                await parts.Accounts.ChangeStandingAsync(account.User, standing => standing with { Suspended = on });
                break;
            case Command.UserLogOut:
                await parts.Logins.LogOutAllAsync(account.User, except: null);
                break;
            default:
                await parts.Deactivation.DeactivateAsync(account.User, invocation.Erase);
                break;
        }

        return UserOutcome.Done(account.UserId);
    }

    private static IEnumerable<string> WordsOf(AccountRow account)
    {
        (string Word, bool Holds)[] words =
        [
            ("admin", account.Admin), ("guest", account.Standing.Guest), ("locked", account.Standing.Locked),
            ("suspended", account.Standing.Suspended), ("deactivated", account.IsDeactivated),
        ];
        return words.Where(word => word.Holds).Select(word => word.Word);
    }

    private static Task<T> UseAsync<T>(HomeserverOptions options, Func<UserAccounts, Task<T>> action) =>
        UsePartsAsync(options, parts => action(parts.Accounts));

    private static async Task<T> UsePartsAsync<T>(HomeserverOptions options, Func<HomeserverParts, Task<T>> action)
    {
        await using var parts = await HomeserverParts.OpenAsync(options, new Surroundings { Random = new SodiumRandom() });
        return await action(parts);
    }
}
