using EdgeMatrix.Accounts;
using EdgeMatrix.Configuration;
using EdgeMatrix.Protocol;
using EdgeMatrix.Storage;

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
            [.. accounts.List().Select(a => new ListedUser(a.UserId, a.Admin))])),
        ResetPassword: (name, password, cancellation) => UseAsync(options, async accounts =>
        {
            if (accounts.Find(name) is not { } account)
            {
                return UserOutcome.Refuse($"there is no user {name}");
            }

            await accounts.SetPasswordAsync(account.User, password, logOut: true, except: null, cancellation);
            return UserOutcome.Done(account.UserId);
        }));

    private static async Task<T> UseAsync<T>(HomeserverOptions options, Func<UserAccounts, Task<T>> action)
    {
        await using var parts = await HomeserverParts.OpenAsync(options, new Surroundings { Random = new SodiumRandom() });
        return await action(parts.Accounts);
    }
}
