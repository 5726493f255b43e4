using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Sync;
using EdgeMatrix.Sync.Filters;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace EdgeMatrix.ClientApi.Sync;

/// <summary>What is new for a device.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#syncing</remarks>
internal static class SyncEndpoint
{
    private const string UnstableUseStateAfter = "org.matrix.msc4222.use_state_after";

    // Longer than any client waits, so that none is held for ever.
    private const long MaxTimeoutMs = 10 * 60 * 1_000;

    /// <summary><c>GET /_matrix/client/v3/sync</c></summary>
    public static async Task<IResult> Get(
        HttpRequest request, Requester requester, SyncEngine sync, StoredFilters filters, AnswerSpool spool, IHostApplicationLifetime lifetime)
    {
        var (wanted, error) = Read(request, requester, sync, filters);
        if (wanted is null)
        {
            return error!;
        }

        var aborted = request.HttpContext.RequestAborted;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(aborted, lifetime.ApplicationStopping);
        var answer = new ResponseBuffer(spool);
        try
        {
            if (!await sync.SyncAsync(wanted, answer, end.Token))
            {
                answer.Dispose();
                return MatrixError.LimitExceeded("Too many syncs are waiting already");
            }

            aborted.ThrowIfCancellationRequested();
            return new LongJson(answer);
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    private static (SyncRequest? Request, MatrixError? Error) Read(
        HttpRequest request, Requester requester, SyncEngine sync, StoredFilters filters)
    {
        SyncToken? since = null;
        if (request.QueryText("since") is { } text)
        {
            if (!SyncToken.TryParse(text, out var token) || !sync.Knows(token))
            {
                return (null, MatrixError.InvalidParam("since is not a next_batch of this server"));
            }

            since = token;
        }

        var (timeoutMs, error) = request.QueryInteger("timeout", min: 0);
        var (fullState, fullStateError) = request.QueryBoolean("full_state");
        var (stateAfter, stateAfterError) = request.QueryBoolean("use_state_after");
        var (unstableStateAfter, unstableStateAfterError) = request.QueryBoolean(UnstableUseStateAfter);

        var (presence, presenceError) = request.QueryOneOf("set_presence", "offline", "online", "unavailable");
        error ??= fullStateError ?? stateAfterError ?? unstableStateAfterError ?? presenceError;
        if (error is not null)
        {
            return (null, error);
        }

        var filter = ReadFilter(request, requester, filters, out var problem);
        return problem is not null
            ? (null, MatrixError.InvalidParam($"filter: {problem}"))
            : (new SyncRequest(
                requester.UserNid,
                requester.UserId,
                requester.DeviceNid,
                since,
                TimeSpan.FromMilliseconds(Math.Min(timeoutMs ?? 0, MaxTimeoutMs)),
                filter,
                fullState ?? false,
                (stateAfter, unstableStateAfter) switch
                {
                    (true, _) => StateProperty.StateAfter,
                    (_, true) => StateProperty.UnstableStateAfter,
                    _ => StateProperty.State,
                },
                PresenceJson.Parse(presence) ?? PresenceState.Online), null);
    }

    private static SyncFilter ReadFilter(HttpRequest request, Requester requester, StoredFilters filters, out string? problem)
    {
        problem = null;
        return request.QueryText("filter") switch
        {
            null or "" => SyncFilter.All,
            // Whether it is an ID or a JSON object is told by whether the first character is a { open brace.
            ['{', ..] json => SyncFilter.Parse(json, out problem),
            var id => filters.Find(requester.UserNid, id, out problem),
        };
    }
}
