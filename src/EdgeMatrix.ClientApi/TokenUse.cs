using Microsoft.AspNetCore.Builder;

namespace EdgeMatrix.ClientApi;

/// <summary>Whether an endpoint takes an access token.</summary>
public enum TokenUse
{
    /// <summary>The endpoint does not look at tokens.</summary>
    None,

    /// <summary>A token that is given must be good; the requester is null where none is.</summary>
    Optional,

    Required,

    /// <summary>The endpoint looks only at the tokens of application services, which call it as themselves.</summary>
    AppService,
}

/// <summary>Marks endpoints with their <see cref="TokenUse"/>; all of the Client-Server API are <see cref="TokenUse.Required"/> unless marked.</summary>
public static class TokenUseMarks
{
    public static TBuilder WithoutToken<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithTokenUse(TokenUse.None);

    public static TBuilder WithTokenOrWithout<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithTokenUse(TokenUse.Optional);

    public static TBuilder WithAppServiceToken<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithTokenUse(TokenUse.AppService);

    public static TBuilder WithToken<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithTokenUse(TokenUse.Required);

    private static TBuilder WithTokenUse<TBuilder>(this TBuilder endpoint, TokenUse use)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new TokenUseMark(use));
}

/// <summary>The mark as it lies on the endpoint; the last one counts.</summary>
internal sealed record TokenUseMark(TokenUse Use);
