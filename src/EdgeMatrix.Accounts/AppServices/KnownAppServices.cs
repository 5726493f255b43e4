using System.Security.Cryptography;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Accounts.AppServices;

/// <summary>The application services of this server, as they are configured.</summary>
public sealed class KnownAppServices(IReadOnlyList<AppServiceRegistration> registrations, LocalServer server)
{
    public IReadOnlyList<AppService> All { get; } =
        registrations.Select(registration => new AppService(registration, server)).ToArray();

    /// <summary>Whose token it is; null if it is none's. It takes as long for one that is nearly right.</summary>
    public AppService? Authenticate(string token)
    {
        if (All.Count == 0)
        {
            return null;
        }

        var given = TokenHash.Of(token).ToBytes();
        AppService? found = null;
        foreach (var service in All)
        {
            found = CryptographicOperations.FixedTimeEquals(given, service.AsToken.ToBytes()) ? service : found;
        }

        return found;
    }

    internal int IndexOf(AppService service)
    {
        for (var i = 0; i < All.Count; i++)
        {
            if (All[i] == service)
            {
                return i;
            }
        }

        throw new ArgumentException("The application service is not one of these", nameof(service));
    }

    /// <summary>Whether a user id is for another application service alone.</summary>
    /// <param name="by">Who would have it; null: one who is no application service.</param>
    public bool IsUserOfOther(string userId, AppService? by) => All.Any(service => service != by && service.OwnsUser(userId));

    /// <summary>Whether whoever asks may make or delete an alias.</summary>
    /// <param name="by">Null: one who is no application service.</param>
    public bool MayManageAlias(string alias, AppService? by) =>
        (by is null || by.IsAlias(alias)) && !All.Any(service => service != by && service.OwnsAlias(alias));
}
