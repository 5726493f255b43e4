using System.Text.Json;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.Api.Pipeline;
using EdgeMatrix.Federation;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Outbound;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace EdgeMatrix.ServerApi.Authentication;

/// <summary>Finds out which server sends a request, by the signature over its method, target and body.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#request-authentication</remarks>
internal sealed class ServerAuthentication(
    LocalServer server, FederationSettings settings, KeyRing keys, Destinations destinations, RateLimiter limiter)
{
    // Events nest 64 deep at most, and stand in lists in objects.
    private const int MaxDepth = 80;

    // A server signs with one key, or two while it changes them, each in a header.
    private const int MaxHeaders = 4;

    // Whoever signs as servers that do not answer waits for them one after the other.
    private readonly TurnsByName _fetches = new(4);

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<SignedRequestMark>() is not { } mark)
        {
            await next(context);
            return;
        }

        if (!settings.Enabled && !mark.IsForAnybody)
        {
            await MatrixError.Forbidden("This server does not talk to others").ExecuteAsync(context);
            return;
        }

        if (await CheckAsync(context, mark) is { } error)
        {
            await error.ExecuteAsync(context);
            return;
        }

        await next(context);
    }

    private async Task<MatrixError?> CheckAsync(HttpContext context, SignedRequestMark mark)
    {
        if (mark.MaxBytes is not { } maxBytes)
        {
            return Count(ClientAddress.Of(context));
        }

        var claims = ReadClaims(context.Request);
        if (claims.Count == 0)
        {
            if (context.Request.Headers.Authorization.Any(RequestAuthorization.IsOfScheme))
            {
                return MatrixError.InvalidParam("The Authorization of X-Matrix lacks what it must have, or names no server");
            }

            return Unauthorized("The request is not signed as by a server: an Authorization of X-Matrix is missing");
        }

        // "If this property is included, but the value does not match the receiving server's name, the receiving server must deny the request".
        if (claims.Any(claim => claim.Destination is { } meant && meant != server.Name))
        {
            return Unauthorized("The request is meant for another server");
        }

        var origin = claims[0].Origin;
        if (origin == server.Name || claims.Any(claim => claim.Origin != origin))
        {
            return Unauthorized("The request is of no other server, or of several");
        }

        // Before its body is read, and before its keys are fetched, which takes more than most requests do.
        if (Count(ClientAddress.Of(context)) is { } tooOften)
        {
            return tooOften;
        }

        var (content, unread) = await ReadContentAsync(context.Request, maxBytes);
        if (unread is not null)
        {
            return unread;
        }

        var target = Target(context);
        foreach (var claim in claims)
        {
            if (await FindKeyAsync(claim, context) is { } key
                && claim.Verify(key, server.Name, context.Request.Method, target, content))
            {
                destinations.HeardFrom(origin);
                context.Features.Set(new SignedRequest(origin, content));
                return Count(origin);
            }
        }

        return Unauthorized($"The signature of {origin} is wrong, or its key is not known");
    }

    private async Task<VerifyKey?> FindKeyAsync(RequestAuthorization claim, HttpContext context)
    {
        var endTurn = keys.KeysOf(claim.Origin).ContainsKey(claim.KeyId)
            ? null
            : await _fetches.TakeAsync(ClientAddress.Of(context), context.RequestAborted);
        try
        {
            return await keys.FindForRequestAsync(claim.Origin, claim.KeyId, context.RequestAborted);
        }
        finally
        {
            endTurn?.Invoke();
        }
    }

    private MatrixError? Count(string who) =>
        limiter.Count(RateKind.Server, who) is { } wait ? MatrixError.LimitExceeded("Too many requests", wait) : null;

    private static List<RequestAuthorization> ReadClaims(HttpRequest request)
    {
        var claims = new List<RequestAuthorization>();
        foreach (var header in request.Headers.Authorization.Take(MaxHeaders))
        {
            if (header is not null && RequestAuthorization.TryParse(header, out var claim))
            {
                claims.Add(claim);
            }
        }

        return claims;
    }

    private static async Task<(JsonElement? Content, MatrixError? Error)> ReadContentAsync(HttpRequest request, int maxBytes)
    {
        if (request.HttpContext.Features.Get<RequestBodyMemory>() is { } memory)
        {
            memory.Sender = BodySender.Server;
        }

        var (bytes, error) = await request.ReadBytesAsync(maxBytes);
        if (bytes is null)
        {
            return (null, error);
        }

        if (bytes.Length == 0)
        {
            return (null, null);
        }

        return !CanonicalJson.TryParse(bytes, out var content, out var problem, MaxDepth) ? (null, MatrixError.NotJson($"The body is not JSON: {problem}"))
            : content.ValueKind != JsonValueKind.Object ? (null, MatrixError.BadJson("The body is not an object"))
            : (content, null);
    }

    // As it was sent: what a proxy or the framework tidied up was not signed.
    private static string Target(HttpContext context)
    {
        var sent = context.Features.Get<IHttpRequestFeature>()?.RawTarget;
        return sent is ['/', ..] ? sent : context.Request.Path.ToUriComponent() + context.Request.QueryString.ToUriComponent();
    }

    private static MatrixError Unauthorized(string message) => new(StatusCodes.Status401Unauthorized, "M_UNAUTHORIZED", message);
}
