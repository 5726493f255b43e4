using System.Diagnostics.CodeAnalysis;

namespace EdgeMatrix.Protocol.Identifiers;

/// <summary>A room: <c>!opaque:server</c> up to room version 11, from 12 on <c>!</c> and the hash of the create event.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#room-ids</remarks>
public static class RoomId
{
    /// <summary>Whether the text is a room id of any room version.</summary>
    public static bool IsValid([NotNullWhen(true)] string? text)
    {
        if (!IdentifierText.IsLegal(text, '!'))
        {
            return false;
        }

        var colon = text!.IndexOf(':');
        return colon < 0 || (colon > 1 && ServerName.IsValid(text.AsSpan(colon + 1)));
    }

    /// <summary>Whether the id names a server, as up to room version 11.</summary>
    internal static bool HasDomain(string roomId) => roomId.Contains(':');
}
