using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace EdgeMatrix.Protocol.Identifiers;

/// <summary>A user: <c>@localpart:server</c>, compared byte for byte.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#user-identifiers</remarks>
public readonly record struct UserId
{
    private static readonly SearchValues<char> LocalpartCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._=-/+");

    private readonly int _colon;

    private UserId(string value, int colon)
    {
        Value = value;
        _colon = colon;
    }

    public string Value { get; }

    /// <summary>Between the sigil and the first colon. Empty in some historical ids.</summary>
    public string Localpart => Value[1.._colon];

    /// <summary>Everything after the first colon, a port included.</summary>
    public string ServerName => Value[(_colon + 1)..];

    /// <summary>Reads the id of any user that may exist: historical localparts hold anything but <c>:</c> and NUL.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out UserId userId)
    {
        userId = default;
        if (!IdentifierText.IsLegal(text, '@'))
        {
            return false;
        }

        var colon = text!.IndexOf(':');
        if (colon < 0 || !Identifiers.ServerName.IsValid(text.AsSpan(colon + 1)))
        {
            return false;
        }

        userId = new UserId(text, colon);
        return true;
    }

    /// <summary>Whether a new account may take this name by the strict grammar. Its length is not checked.</summary>
    public static bool IsValidNewLocalpart([NotNullWhen(true)] string? localpart) =>
        !string.IsNullOrEmpty(localpart) && !localpart.AsSpan().ContainsAnyExcept(LocalpartCharacters);

    /// <summary>The server of a user id that is known to be one: what stands after the first colon.</summary>
    internal static ReadOnlySpan<char> ServerOf(string userId) => userId.AsSpan(userId.IndexOf(':') + 1);

    public override string ToString() => Value;
}
