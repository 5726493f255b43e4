using System.Text;
using System.Text.Json;
using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Outbound;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.AppServices;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.AppServices;

/// <summary>What only application services may ask.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#client-server-api-extensions</remarks>
internal static class AppServiceEndpoints
{
    private const int MaxNetworkLength = 255;

    /// <summary><c>POST /_matrix/client/v1/appservice/{appserviceId}/ping</c></summary>
    public static async Task<IResult> Ping(string appserviceId, HttpRequest request, Requester requester, AppServiceQueries queries)
    {
        if (requester.AppService is not { } service || service.Id != appserviceId)
        {
            return MatrixError.Forbidden("The access token is not the as_token of that application service");
        }

        var (body, error) = await request.ReadObjectOrEmptyAsync();
        if (error is not null)
        {
            return error;
        }

        string? transactionId = null;
        if (body.TryGetProperty("transaction_id"u8, out var given))
        {
            if (given.ValueKind != JsonValueKind.String)
            {
                return MatrixError.BadJson("transaction_id must be a string");
            }

            transactionId = given.GetString();
        }

        if (service.Registration.Url is null)
        {
            return new MatrixError(400, "M_URL_NOT_SET", "The registration of this application service has no URL");
        }

        var outcome = await queries.PingAsync(service, transactionId, request.HttpContext.RequestAborted);
        return outcome switch
        {
            { Failure: OutboundFailure.TimedOut } => new MatrixError(504, "M_CONNECTION_TIMEOUT", "The application service did not answer in time"),
            { Failure: not null } => new MatrixError(502, "M_CONNECTION_FAILED", "The application service cannot be reached"),
            { Status: { } status } when (int)status is < 200 or >= 300 => new MatrixError(
                502,
                "M_BAD_STATUS",
                $"The application service answered {(int)status}",
                json =>
                {
                    json.WriteNumber("status"u8, (int)status);
                    json.WriteString("body"u8, Encoding.UTF8.GetString(outcome.Body));
                }),
            _ => JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("duration_ms"u8, outcome.DurationMs);
                json.WriteEndObject();
            }),
        };
    }

    /// <summary><c>PUT /_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}</c></summary>
    public static async Task<IResult> SetVisibility(
        string networkId, string roomId, HttpRequest request, Requester requester, RoomEngine engine)
    {
        if (requester.AppService is not { } service)
        {
            return MatrixError.Forbidden("Only application services keep directories of networks");
        }

        var (body, error) = await request.ReadJsonAsync(RoomsJson.Default.NetworkVisibilityRequest);
        if (error is not null)
        {
            return error;
        }

        if (body!.Visibility is not ("public" or "private"))
        {
            return MatrixError.InvalidParam("visibility must be public or private");
        }

        if (networkId.Length > MaxNetworkLength)
        {
            return MatrixError.InvalidParam($"A network ID has at most {MaxNetworkLength} characters");
        }

        if (engine.Find(roomId) is not { } room)
        {
            return MatrixError.NotFound("The room is not known here");
        }

        await engine.Database.WriteAsync(db => AppServiceRoomTable.Set(db, service.Nid, networkId, room.Nid, body.Visibility == "public"));
        return JsonText.Empty;
    }

    /// <summary>
    /// <c>DELETE /_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}</c>: as setting the visibility to private. Not of the
    /// specification, but what application services were told to do before it.
    /// </summary>
    public static async Task<IResult> Hide(string networkId, string roomId, Requester requester, RoomEngine engine)
    {
        if (requester.AppService is not { } service)
        {
            return MatrixError.Forbidden("Only application services keep directories of networks");
        }

        if (engine.Find(roomId) is not { } room)
        {
            return MatrixError.NotFound("The room is not known here");
        }

        await engine.Database.WriteAsync(db => AppServiceRoomTable.Set(db, service.Nid, networkId, room.Nid, listed: false));
        return JsonText.Empty;
    }
}
