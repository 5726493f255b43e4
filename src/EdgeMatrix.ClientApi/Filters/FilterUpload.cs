using System.Buffers;
using EdgeMatrix.Accounts.Filters;
using EdgeMatrix.ClientApi.ClientConfig;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Sync.Filters;
using Microsoft.AspNetCore.Http;
using static EdgeMatrix.Api.JsonBody;

namespace EdgeMatrix.ClientApi.Filters;

/// <summary>The filters that the requester's clients keep on the server.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#filtering</remarks>
internal static class FilterUpload
{
    private const int MaxBytes = 64 * 1024;

    /// <summary><c>POST /_matrix/client/v3/user/{userId}/filter</c></summary>
    public static async Task<IResult> Add(string userId, HttpRequest request, Requester requester, UserFilters filters)
    {
        var (filter, error) = await request.ReadObjectAsync(MaxBytes);
        if ((error ?? Own.Refuse(userId, requester)) is { } refused)
        {
            return refused;
        }

        _ = SyncFilter.Parse(filter, out var problem);
        if (problem is not null || !CanonicalJson.TryWrite(filter, new ArrayBufferWriter<byte>(), out problem))
        {
            return MatrixError.BadJson(problem!);
        }

        var id = await filters.AddAsync(requester.UserNid, filter);
        return Json(new FilterResponse(id), ClientApiJson.Default.FilterResponse);
    }

    /// <summary><c>GET /_matrix/client/v3/user/{userId}/filter/{filterId}</c></summary>
    public static IResult Get(string userId, string filterId, Requester requester, UserFilters filters)
    {
        if (Own.Refuse(userId, requester) is { } refused)
        {
            return refused;
        }

        return filters.Find(requester.UserNid, filterId) is { } filter
            ? new JsonText(filter)
            : MatrixError.NotFound("You have no filter of that ID");
    }
}

internal sealed record FilterResponse(string FilterId);
