using System.Text.Json;
using Microsoft.AspNetCore.Builder;

namespace EdgeMatrix.ServerApi.Authentication;

/// <summary>A request of another server, whose signature is checked.</summary>
/// <param name="Origin">The name of the server.</param>
/// <param name="Content">The body, as it was signed: its strings can be read safely, its numbers are as they came. Null: there was none.</param>
internal sealed record SignedRequest(string Origin, JsonElement? Content);

/// <summary>Marks endpoints that only other servers may call, which sign what they send.</summary>
internal static class SignedRequestMarks
{
    /// <summary>So many bytes of body, unless <see cref="WithBodyOf"/> says otherwise.</summary>
    public const int DefaultMaxBytes = 256 * 1024;

    public static TBuilder WithSignature<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new SignedRequestMark(DefaultMaxBytes));

    /// <summary>Lets a body have so many bytes.</summary>
    public static TBuilder WithBodyOf<TBuilder>(this TBuilder endpoint, int maxBytes)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new SignedRequestMark(maxBytes));

    /// <summary>Anybody may call it: keys, say, without which no signature can be checked.</summary>
    public static TBuilder WithoutSignature<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new SignedRequestMark(null));

    /// <summary>Anybody may call it, and it is there even where this server talks to no others: services that are no servers call it.</summary>
    public static TBuilder ForAnybody<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new SignedRequestMark(null, IsForAnybody: true));
}

/// <summary>The mark as it lies on the endpoint; the last one counts.</summary>
/// <param name="MaxBytes">Of the body; null where nothing is signed.</param>
internal sealed record SignedRequestMark(int? MaxBytes, bool IsForAnybody = false);
