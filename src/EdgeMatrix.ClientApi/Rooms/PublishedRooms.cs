using System.Text.Json;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.ClientApi.ThirdParties;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>The published room directory.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#published-room-directory</remarks>
internal static class PublishedRooms
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 500;

    /// <summary><c>GET /_matrix/client/v3/directory/list/room/{roomId}</c></summary>
    public static IResult GetVisibility(string roomId, RoomEngine engine)
    {
        using var snapshot = engine.Database.OpenSnapshot();
        if (RoomTable.Find(snapshot, roomId) is not { } room)
        {
            return MatrixError.NotFound("The room is not known here");
        }

        var listed = RoomTable.IsListed(snapshot, room.Nid);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("visibility"u8, listed ? "public" : "private");
            json.WriteEndObject();
        });
    }

    /// <summary><c>PUT /_matrix/client/v3/directory/list/room/{roomId}</c>: for moderators of the room and admins.</summary>
    public static async Task<IResult> SetVisibility(string roomId, HttpRequest request, Requester requester, RoomEngine engine)
    {
        var (body, error) = await request.ReadJsonOrEmptyAsync(RoomsJson.Default.DirectoryVisibilityRequest);
        if (error is not null)
        {
            return error;
        }

        var visibility = body?.Visibility ?? "public";
        if (visibility is not ("public" or "private"))
        {
            return MatrixError.InvalidParam("visibility must be public or private");
        }

        if (engine.Find(roomId) is not { } room)
        {
            return MatrixError.NotFound("The room is not known here");
        }

        if (!requester.IsAdmin && !RoomAliases.MayPublish(engine, requester, roomId))
        {
            return MatrixError.Forbidden("Only those who may set the canonical alias of the room may publish it");
        }

        await engine.Database.WriteAsync(db => RoomTable.SetListed(db, room.Nid, visibility == "public"));
        return JsonText.Empty;
    }

    /// <summary><c>GET /_matrix/client/v3/publicRooms</c></summary>
    public static IResult List(
        string? since, string? server, HttpRequest request, RoomEngine engine, KnownAppServices appServices, AnswerSpool spool)
    {
        var (limit, badLimit) = request.QueryInteger("limit", min: 0);
        return badLimit ?? Answer(engine, appServices, spool, server, new PublicRoomsRequest { Limit = limit, Since = since });
    }

    /// <summary><c>POST /_matrix/client/v3/publicRooms</c></summary>
    public static async Task<IResult> Search(
        string? server, HttpRequest request, RoomEngine engine, KnownAppServices appServices, AnswerSpool spool)
    {
        var (body, error) = await request.ReadJsonOrEmptyAsync(RoomsJson.Default.PublicRoomsRequest);
        return error ?? Answer(engine, appServices, spool, server, body ?? new PublicRoomsRequest());
    }

    private static IResult Answer(
        RoomEngine engine, KnownAppServices appServices, AnswerSpool spool, string? server, PublicRoomsRequest request)
    {
        if (server is not null && server != engine.Server.Name)
        {
            return MatrixError.NotFound($"{server} cannot be asked: this server does not federate");
        }

        if (request.Limit < 0)
        {
            return MatrixError.InvalidParam("limit must not be negative");
        }

        // "Can only be used if include_all_networks is false."
        if (request is { IncludeAllNetworks: true, ThirdPartyInstanceId: not null })
        {
            return MatrixError.InvalidParam("third_party_instance_id and include_all_networks exclude each other");
        }

        var directory = request.IncludeAllNetworks is true ? RoomDirectory.All
            : request.ThirdPartyInstanceId is { } instance ? ThirdPartyInstance.DirectoryOf(instance, appServices)
            : RoomDirectory.Own;
        if (!TryParse(request.Since, out var place))
        {
            return MatrixError.InvalidParam("since must be a next_batch or prev_batch of an earlier answer");
        }

        using var snapshot = engine.Database.OpenSnapshot();
        var limit = (int)Math.Clamp(request.Limit ?? DefaultLimit, 1, MaxLimit);
        // One more than is asked for tells whether there is another page.
        var found = Find(snapshot, directory, request.Filter, place, limit + 1);
        var more = found.Count > limit;
        var page = found.Take(limit).ToList();
        if (place.Backward)
        {
            page.Reverse();
        }

        var hasNext = page.Count > 0 && (place.Backward || more);
        var hasPrevious = page.Count > 0 && (place.Backward ? more : request.Since is not null);
        return LongJson.Write(spool, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("chunk"u8);
            page.ForEach(entry => entry.Write(json));
            json.WriteEndArray();
            if (hasNext)
            {
                json.WriteString("next_batch"u8, $"n{page[^1].Row.Joined}_{page[^1].Row.Nid}");
            }

            if (hasPrevious)
            {
                json.WriteString("prev_batch"u8, $"p{page[0].Row.Joined}_{page[0].Row.Nid}");
            }

            json.WriteNumber("total_room_count_estimate"u8, RoomTable.CountListed(snapshot, directory));
            json.WriteEndObject();
        });
    }

    private static List<PublishedRoom> Find(Session db, RoomDirectory directory, PublicRoomsFilter? filter, Place place, int count)
    {
        var found = new List<PublishedRoom>();
        while (true)
        {
            var rows = place.Backward
                ? RoomTable.ListedBefore(db, directory, place.Joined, place.Nid, count)
                : RoomTable.ListedAfter(db, directory, place.Joined, place.Nid, count);
            foreach (var row in rows)
            {
                place = place with { Joined = row.Joined, Nid = row.Nid };
                var entry = new PublishedRoom(db, row, RoomVersions.Find(row.Version)!);
                if (entry.Matches(filter))
                {
                    found.Add(entry);
                    if (found.Count == count)
                    {
                        return found;
                    }
                }
            }

            if (rows.Count < count)
            {
                return found;
            }
        }
    }

    private static bool TryParse(string? since, out Place place)
    {
        place = new Place(false, long.MaxValue, 0);
        if (since is null)
        {
            return true;
        }

        if (since is not ['n' or 'p', .. var rest] || rest.IndexOf('_') is not (> 0 and var split)
            || !long.TryParse(rest.AsSpan(0, split), out var joined) || !long.TryParse(rest.AsSpan(split + 1), out var nid))
        {
            return false;
        }

        place = new Place(since[0] == 'p', joined, nid);
        return true;
    }

    private readonly record struct Place(bool Backward, long Joined, long Nid);
}

/// <summary>An entry of the published room directory: a <c>PublishedRoomsChunk</c>.</summary>
internal sealed class PublishedRoom(Session db, RoomRow row, RoomVersion version)
{
    public RoomRow Row => row;

    public bool Matches(PublicRoomsFilter? filter)
    {
        if (filter?.RoomTypes is { } types && !types.Contains(State("m.room.create", "type")))
        {
            return false;
        }

        return filter?.GenericSearchTerm is not { Length: > 0 } term
            || new[] { State("m.room.name", "name"), State("m.room.topic", "topic"), State("m.room.canonical_alias", "alias") }
                .Any(text => text?.Contains(term, StringComparison.OrdinalIgnoreCase) == true);
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        WriteFields(json);
        json.WriteEndObject();
    }

    /// <summary>The properties of a <c>RoomSummary</c>, into the object that is open.</summary>
    public void WriteSummary(Utf8JsonWriter json)
    {
        WriteFields(json);
        var joinRules = RoomStateReader.Find(db, version, row.State, "m.room.join_rules", "")?.Content ?? default;
        if (RoomAccess.AllowedRooms(joinRules) is { Count: > 0 } allowed)
        {
            json.WriteStartArray("allowed_room_ids"u8);
            allowed.ForEach(json.WriteStringValue);
            json.WriteEndArray();
        }

        WriteText(json, "encryption", State("m.room.encryption", "algorithm"));
        json.WriteString("room_version"u8, version.Id);
    }

    private void WriteFields(Utf8JsonWriter json)
    {
        WriteText(json, "avatar_url", State("m.room.avatar", "url"));
        WriteText(json, "canonical_alias", State("m.room.canonical_alias", "alias"));
        json.WriteBoolean("guest_can_join"u8, State("m.room.guest_access", "guest_access") == "can_join");
        WriteText(json, "join_rule", State("m.room.join_rules", "join_rule"));
        WriteText(json, "name", State("m.room.name", "name"));
        json.WriteNumber("num_joined_members"u8, row.Joined);
        json.WriteString("room_id"u8, row.RoomId);
        WriteText(json, "room_type", State("m.room.create", "type"));
        WriteText(json, "topic", State("m.room.topic", "topic"));
        json.WriteBoolean("world_readable"u8, State("m.room.history_visibility", "history_visibility") == "world_readable");
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            json.WriteString(name, value);
        }
    }

    private string? State(string type, string field) =>
        RoomStateReader.Find(db, version, row.State, type, "") is { } pdu ? JsonContent.Text(pdu.Content, field) : null;
}
