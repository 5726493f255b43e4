using System.Diagnostics.CodeAnalysis;

namespace EdgeMatrix.Protocol.Identifiers;

/// <summary>
/// An event: <c>$opaque_id:domain</c> in room versions 1 and 2, since then <c>$</c> and its reference hash. To be taken as opaque.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#event-ids</remarks>
public static class EventId
{
    public static bool IsValid([NotNullWhen(true)] string? text) => IdentifierText.IsLegal(text, '$');

    /// <summary>The domain of an event id of room versions 1 and 2; false for any other text.</summary>
    public static bool TryServerOf([NotNullWhen(true)] string? text, out ReadOnlySpan<char> serverName)
    {
        serverName = default;
        if (!IsValid(text) || text.IndexOf(':') is not (> 0 and var colon))
        {
            return false;
        }

        serverName = text.AsSpan(colon + 1);
        return ServerName.IsValid(serverName);
    }
}
