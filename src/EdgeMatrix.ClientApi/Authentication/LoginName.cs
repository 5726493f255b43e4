using EdgeMatrix.Accounts;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>Whom a client means who logs in.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#identifier-types</remarks>
internal static class LoginName
{
    /// <summary>A user id or a localpart; an e-mail address that no account has stands for itself, and is nobody's name.</summary>
    /// <param name="user">What a whole identifier was before: a user id or a localpart; and so <paramref name="medium"/> with <paramref name="address"/>.</param>
    /// <returns>Null if nobody is named in a way that is known here.</returns>
    public static string? Of(UserIdentifier? identifier, string? user, string? medium, string? address, UserAccounts accounts) => identifier switch
    {
        { Type: UserIdentifier.MatrixId } => identifier.User,
        { Type: UserIdentifier.ThirdParty } => ByEmail(identifier.Medium, identifier.Address, accounts),
        null => user ?? ByEmail(medium, address, accounts),
        _ => null,
    };

    private static string? ByEmail(string? medium, string? address, UserAccounts accounts) =>
        medium != ThreePidTable.Email || address is null ? null
        : EmailAddress.Canonical(address) is { } canonical ? accounts.FindByEmail(canonical)?.UserId ?? canonical
        : address;
}
