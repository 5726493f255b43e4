using System.Text.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.AuthChains;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Rooms;

/// <summary>What a room was before an event, and what allowed that, for servers that are in the room.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-events</remarks>
internal static class StateAtEvent
{
    /// <summary><c>GET /_matrix/federation/v1/state/{roomId}</c></summary>
    public static IResult Get(string roomId, string origin, HttpRequest request, RoomEngine engine, AnswerSpool spool) =>
        Answer(roomId, origin, request, engine, spool, "pdus", "auth_chain", static (json, db, nids) =>
        {
            foreach (var nid in nids)
            {
                if (EventTable.Find(db, nid) is { } stored)
                {
                    json.WriteRawValue(stored.Json, skipInputValidation: true);
                }
            }
        });

    /// <summary><c>GET /_matrix/federation/v1/state_ids/{roomId}</c></summary>
    public static IResult GetIds(string roomId, string origin, HttpRequest request, RoomEngine engine, AnswerSpool spool) =>
        Answer(roomId, origin, request, engine, spool, "pdu_ids", "auth_chain_ids", static (json, db, nids) =>
        {
            foreach (var id in EventTable.IdsOf(db, nids))
            {
                json.WriteStringValue(id);
            }
        });

    /// <summary><c>GET /_matrix/federation/v1/event_auth/{roomId}/{eventId}</c></summary>
    public static IResult GetAuthChain(string roomId, string eventId, string origin, RoomEngine engine, AnswerSpool spool)
    {
        var (asked, error) = AskedRoom.Open(engine, roomId, origin);
        if (asked is null)
        {
            return error!;
        }

        using (asked)
        {
            if (EventTable.Find(asked.Db, eventId) is not { } stored || stored.Room != asked.Row.Nid)
            {
                return MatrixError.NotFound("The event is not known here");
            }

            var events = new StoredEventSource(asked.Db, asked.Room.Nid, asked.Room.Version);
            long[] cited = [.. stored.Parse(asked.Room.Version).AuthEvents.Select(events.NumberOf).Where(nid => nid != 0).Distinct()];
            var chain = new AuthChains(asked.Db, asked.Room.Nid, asked.Room.Version).Of(cited).Union(cited).Order().ToList();
            return LongJson.Write(spool, json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("auth_chain"u8);
                foreach (var nid in chain)
                {
                    json.WriteRawValue(EventTable.Find(asked.Db, nid)!.Json, skipInputValidation: true);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            });
        }
    }

    private static IResult Answer(
        string roomId,
        string origin,
        HttpRequest request,
        RoomEngine engine,
        AnswerSpool spool,
        string stateName,
        string chainName,
        Action<Utf8JsonWriter, Session, IEnumerable<long>> write)
    {
        var (eventId, missing) = request.QueryRequired("event_id");
        if (missing is not null)
        {
            return missing;
        }

        var (asked, error) = AskedRoom.Open(engine, roomId, origin);
        if (asked is null)
        {
            return error!;
        }

        using (asked)
        {
            if (asked.Row.IsPartial)
            {
                return MatrixError.PartialState();
            }

            if (asked.Find(eventId!) is not { } stored)
            {
                return MatrixError.NotFound("The event is not known here, or not what the room was at it");
            }

            var state = Before(asked.Db, stored);
            var chain = new AuthChains(asked.Db, asked.Room.Nid, asked.Room.Version).Of(state);
            chain.Sort();
            return LongJson.Write(spool, json =>
            {
                json.WriteStartObject();
                json.WriteStartArray(stateName);
                write(json, asked.Db, state);
                json.WriteEndArray();
                json.WriteStartArray(chainName);
                write(json, asked.Db, chain);
                json.WriteEndArray();
                json.WriteEndObject();
            });
        }
    }

    private static List<long> Before(Session db, StoredEvent stored)
    {
        var state = new List<long>();
        ForEachBefore(db, stored, entry => state.Add(entry.Event));
        return state;
    }

    /// <summary>Visits the state before an event: the node at hand is that after it.</summary>
    public static void ForEachBefore(Session db, StoredEvent stored, Action<StateEntry> visit) => StateNodes.ForEach(db, stored.State, entry =>
    {
        if (entry.Event != stored.Nid)
        {
            visit(entry);
        }
        else if (stored.Replaces is { } before)
        {
            visit(entry with { Event = before });
        }
    });
}
