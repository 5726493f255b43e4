using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Accounts.AppServices;

/// <summary>An application service, and what is its own on this server.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/</remarks>
public sealed class AppService(AppServiceRegistration registration, LocalServer server)
{
    public AppServiceRegistration Registration => registration;

    public string Id => registration.Id;

    /// <summary>The user that it acts as where it names none.</summary>
    public string SenderId { get; } = $"@{registration.SenderLocalpart}:{server.Name}";

    /// <summary>Its number in the database, from the start of the server on.</summary>
    public long Nid { get; set; }

    internal TokenHash AsToken { get; } = TokenHash.Of(registration.AsToken);

    /// <summary>It is told of typing, receipts and presence.</summary>
    public bool ReceivesEphemeral => registration.ReceiveEphemeral || registration.PushEphemeral;

    /// <summary>Whether a user is its sender or of its namespaces. Users of other servers never are.</summary>
    public bool IsUser(string userId) => userId == SenderId || (server.Owns(userId) && Matches(registration.Users, userId));

    public bool IsAlias(string alias) => Matches(registration.Aliases, alias);

    public bool IsRoom(string roomId) => Matches(registration.Rooms, roomId);

    /// <summary>Whether nobody else may make or be such a user.</summary>
    public bool OwnsUser(string userId) => userId == SenderId || (server.Owns(userId) && MatchesExclusive(registration.Users, userId));

    /// <summary>Whether nobody else may make or delete such an alias.</summary>
    public bool OwnsAlias(string alias) => MatchesExclusive(registration.Aliases, alias);

    private static bool Matches(IReadOnlyList<AppServiceNamespace> namespaces, string id)
    {
        foreach (var one in namespaces)
        {
            if (one.Pattern.IsMatch(id))
            {
                return true;
            }
        }

        return false;
    }

    private static bool MatchesExclusive(IReadOnlyList<AppServiceNamespace> namespaces, string id) =>
        namespaces.Any(one => one.Exclusive && one.Pattern.IsMatch(id));
}
