using EdgeMatrix.Api.Limits;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>How often one user may send; with 0 messages a second, nothing that they do is counted.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html#override-ratelimiting-for-users</remarks>
internal static class UserLimits
{
    /// <summary><c>GET /_synapse/admin/v1/users/{userId}/override_ratelimit</c></summary>
    public static IResult Get(string userId, Database database, LocalServer server)
    {
        using var db = database.OpenSnapshot();
        var (account, error) = AdminUser.Find(db, server, userId);
        return account is null ? error! : RateOverrideTable.Find(db, account.User) is { } rate ? Answer(rate) : JsonText.Empty;
    }

    /// <summary><c>POST /_synapse/admin/v1/users/{userId}/override_ratelimit</c></summary>
    public static async Task<IResult> Set(string userId, HttpRequest request, Database database, LocalServer server, RateLimiter limiter)
    {
        var (given, badBody) = await request.ReadObjectOrEmptyAsync();
        if (badBody is not null)
        {
            return badBody;
        }

        var body = new AdminBody(given);
        var rate = new RateOverride(body.Number("messages_per_second") ?? 0, body.Number("burst_count") ?? 0);
        var (user, error) = Find(userId, database, server);
        if ((body.Error ?? error) is { } refused)
        {
            return refused;
        }

        await database.WriteAsync(db => RateOverrideTable.Set(db, user, rate));
        limiter.Forget(userId);
        return Answer(rate);
    }

    /// <summary><c>DELETE /_synapse/admin/v1/users/{userId}/override_ratelimit</c></summary>
    public static async Task<IResult> Delete(string userId, Database database, LocalServer server, RateLimiter limiter)
    {
        var (user, error) = Find(userId, database, server);
        if (error is not null)
        {
            return error;
        }

        await database.WriteAsync(db => RateOverrideTable.Delete(db, user));
        limiter.Forget(userId);
        return JsonText.Empty;
    }

    private static (long User, MatrixError? Error) Find(string userId, Database database, LocalServer server)
    {
        using var db = database.OpenSnapshot();
        var (account, error) = AdminUser.Find(db, server, userId);
        return (account?.User ?? 0, error);
    }

    private static JsonText Answer(RateOverride rate) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("messages_per_second"u8, rate.PerSecond);
        json.WriteNumber("burst_count"u8, rate.Burst);
        json.WriteEndObject();
    });
}
