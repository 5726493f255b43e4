using EdgeMatrix.Api.Limits;
using EdgeMatrix.Rooms.Presence;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Pipeline;

/// <summary>Notes who does something, but not of users whom an application service acts as: "A pro-active event may be sending a message to a room".</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#last-active-ago</remarks>
internal sealed class UserActivity(UserPresence presence)
{
    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<RateMark>() is { Kind: RateKind.Message or RateKind.Join or RateKind.Invite or RateKind.Media }
            && context.Features.Get<Requester>() is { AppService: null } requester)
        {
            presence.Active(requester.UserNid, requester.UserId);
        }

        return next(context);
    }
}
