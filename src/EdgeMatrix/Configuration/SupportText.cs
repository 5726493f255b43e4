using EdgeMatrix.ClientApi.Discovery;
using EdgeMatrix.Protocol.Identifiers;

namespace EdgeMatrix.Configuration;

/// <summary>Reads somebody of <c>support.contacts</c>: <c>m.role.admin @admin:example.org admin@example.org</c>, either or both of the two.</summary>
internal static class SupportText
{
    /// <summary>Null if it cannot be read.</summary>
    public static SupportContact? Parse(string text)
    {
        if (text.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var role, .. { Length: 1 or 2 } contacts])
        {
            return null;
        }

        var users = contacts.Where(contact => UserId.TryParse(contact, out _)).ToArray();
        var addresses = contacts.Where(IsAddress).ToArray();
        return users.Length <= 1 && addresses.Length <= 1 && users.Length + addresses.Length == contacts.Length
            ? new SupportContact(role, users.FirstOrDefault(), addresses.FirstOrDefault())
            : null;
    }

    /// <summary>Null if it can be read.</summary>
    public static string? Refuse(string text) => Parse(text) is null
        ? $"must be ROLE and a user ID, an e-mail address or both, as in \"m.role.admin @admin:example.org admin@example.org\", not {Toml.Write(text)}"
        : null;

    private static bool IsAddress(string text) => text.IndexOf('@', StringComparison.Ordinal) is > 0 and var at && at < text.Length - 1;
}
