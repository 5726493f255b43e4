using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Search;
using EdgeMatrix.Storage.Search;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Search;

/// <summary>Server side search: of messages that are not encrypted, and of names and topics of rooms.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#server-side-search</remarks>
internal static class SearchEndpoint
{
    private const int MaxTerms = 32;

    /// <summary><c>POST /_matrix/client/v3/search</c></summary>
    public static async Task<IResult> Search(HttpRequest request, Requester requester, RoomEngine engine, SearchIndex index, AnswerSpool spool)
    {
        if (!index.Enabled)
        {
            return MatrixError.BadRequest("This server does not search");
        }

        var (body, unread) = await request.ReadObjectAsync();
        if (unread is not null)
        {
            return unread;
        }

        if (!body.TryGetProperty("search_categories", out var categories) || categories.ValueKind != JsonValueKind.Object)
        {
            return MatrixError.BadJson("search_categories is no object");
        }

        if (!categories.TryGetProperty("room_events", out var events))
        {
            return JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteStartObject("search_categories"u8);
                json.WriteEndObject();
                json.WriteEndObject();
            });
        }

        if (events.ValueKind != JsonValueKind.Object)
        {
            return MatrixError.BadJson("room_events is no object");
        }

        var (wanted, error) = SearchRequest.Parse(events);
        if (wanted is null)
        {
            return error!;
        }

        var token = default(SearchToken);
        if (request.QueryText("next_batch") is { } text && !SearchToken.TryParse(text, out token))
        {
            return MatrixError.InvalidParam("next_batch must be a token of an earlier search");
        }

        await index.CatchUpAsync(request.HttpContext.RequestAborted);
        using var snapshot = engine.Database.OpenSnapshot();
        token = token.UpTo == 0 ? token with { UpTo = SearchTable.Progress(snapshot) } : token;
        var terms = SearchTerms.Of(wanted.Term).Take(MaxTerms).ToList();
        var hits = new RoomSearch(snapshot, engine, requester).Find(wanted, terms, token);
        return LongJson.Write(spool, new SearchAnswer(wanted, terms, token, hits).Write);
    }
}
