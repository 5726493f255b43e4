using EdgeMatrix.Accounts;
using EdgeMatrix.Testing;

namespace EdgeMatrix.Server.Tests.Admin;

internal static class Admins
{
    /// <summary>Registers a user who administers the server.</summary>
    public static async Task<TestSession> RegisterAdminAsync(this TestHomeserver server, string localpart = "root")
    {
        var admin = await server.RegisterAsync(localpart);
        var accounts = server.Part<UserAccounts>();
        await accounts.ChangeStandingAsync(accounts.Find(localpart)!.User, standing => standing with { Admin = true });
        return admin;
    }
}
