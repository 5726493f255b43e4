using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.AppServices;

/// <summary>Has application services make users and aliases of theirs that clients ask for and nobody made yet.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#querying</remarks>
internal static class MadeOnDemand
{
    /// <summary>The room that an alias stands for.</summary>
    /// <returns>Null, and an error if an application service that may have it does not answer.</returns>
    public static async Task<(string? RoomId, MatrixError? Error)> FindAliasAsync(
        RoomEngine engine, AppServiceQueries queries, string alias, CancellationToken cancellation)
    {
        if (Find() is { } known)
        {
            return (known, null);
        }

        if (!engine.Server.Owns(alias))
        {
            return (null, null);
        }

        return await queries.AliasAsync(alias, cancellation) switch
        {
            QueryVerdict.NoAnswer => (null, NoAnswer()),
            QueryVerdict.Made => (Find(), null),
            _ => (null, null),
        };

        string? Find()
        {
            using var db = engine.Database.OpenSnapshot();
            return RoomAliasTable.Find(db, alias)?.RoomId;
        }
    }

    /// <summary>Has a user made who has no account here.</summary>
    /// <returns>An error if an application service that may have it does not answer.</returns>
    public static async Task<MatrixError?> FindUserAsync(
        RoomEngine engine, AppServiceQueries queries, string userId, CancellationToken cancellation)
    {
        if (!engine.Server.Owns(userId))
        {
            return null;
        }

        using (var db = engine.Database.OpenSnapshot())
        {
            if (AccountTable.Find(db, userId) is not null)
            {
                return null;
            }
        }

        return await queries.UserAsync(userId, cancellation) == QueryVerdict.NoAnswer ? NoAnswer() : null;
    }

    // "This should result in an HTTP status 408 "Request Timeout" on the client which initiated this request".
    private static MatrixError NoAnswer() =>
        new(StatusCodes.Status408RequestTimeout, "M_UNKNOWN", "The application service that would know of it does not answer");
}
