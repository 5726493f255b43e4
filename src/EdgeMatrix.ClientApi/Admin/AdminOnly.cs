using Microsoft.AspNetCore.Builder;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>What is for administrators of the server alone: whoever is none is refused before anything is looked up.</summary>
internal static class AdminOnly
{
    public static MatrixError Refusal() => MatrixError.Forbidden("You are not a server admin");

    /// <summary>Marks endpoints that take the access tokens of administrators only.</summary>
    public static TBuilder ForAdmins<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new AdminOnlyMark());
}

internal sealed record AdminOnlyMark;
