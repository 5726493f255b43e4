using Microsoft.AspNetCore.Builder;

namespace EdgeMatrix.Api.Limits;

/// <summary>Marks endpoints with what their requests are counted as; all others are <see cref="RateKind.Other"/>.</summary>
internal static class RateMarks
{
    public static TBuilder WithRate<TBuilder>(this TBuilder endpoint, RateKind kind)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new RateMark(kind));
}

/// <summary>The mark as it lies on the endpoint.</summary>
internal sealed record RateMark(RateKind Kind);
