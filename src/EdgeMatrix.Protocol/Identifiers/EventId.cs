using System.Diagnostics.CodeAnalysis;

namespace EdgeMatrix.Protocol.Identifiers;

/// <summary>An event: <c>$</c> and the URL-safe Base64 of its reference hash, since room version 4. To be taken as opaque.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#event-ids</remarks>
public static class EventId
{
    public static bool IsValid([NotNullWhen(true)] string? text) => IdentifierText.IsLegal(text, '$');
}
