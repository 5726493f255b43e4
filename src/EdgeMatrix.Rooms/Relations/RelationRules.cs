using System.Text.Json;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Relations;

/// <summary>What the server holds against relations that users of its own send; those of others it takes as they come.</summary>
public static class RelationRules
{
    // Nobody annotates an event so often with one type and different keys.
    private const int MaxAnnotations = 1_000;

    /// <returns>Why the event may not be sent; null if it may, for all that is said here.</returns>
    public static Refusal? Check(Database database, Room room, StateLookup state, string userId, string type, JsonElement content)
    {
        // Whoever is not in the room is refused for that, and learns nothing of what is in it.
        if (EventRelation.Of(content) is not { RelType: EventRelation.Annotation or EventRelation.Thread } relation
            || state("m.room.member", userId) is not { } member
            || Memberships.Of(member) != Membership.Join)
        {
            return null;
        }

        if (room.IsBeingAnnotated(userId, type, relation))
        {
            return Duplicate();
        }

        using var db = database.OpenSnapshot();
        return relation.RelType == EventRelation.Thread ? CheckThread(db, room, relation) : CheckAnnotation(db, room, userId, type, relation);
    }

    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#validation-of-mthread-relationships</remarks>
    private static Refusal? CheckThread(Session db, Room room, EventRelation relation) =>
        // Servers SHOULD reject client requests which attempt to start a thread off an event with an m.relates_to property.
        // A reply, whose m.relates_to has no rel_type, can be a thread root.
        EventTable.Find(db, relation.EventId) is { } root && root.Room == room.Nid && EventRelation.Of(root.Parse(room.Version)) is not null
            ? new Refusal(RefusalKind.Unknown, "A thread cannot start from an event that relates to another one")
            : null;

    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#avoiding-duplicate-annotations</remarks>
    private static Refusal? CheckAnnotation(Session db, Room room, string userId, string type, EventRelation relation)
    {
        if (EventTypeTable.Find(db, relation.RelType) is not { } relType
            || EventTypeTable.Find(db, type) is not { } typeNid
            || UserTable.Find(db, userId) is not { } sender)
        {
            return null;
        }

        var before = RelationTable.OfSender(db, room.Nid, RelationTable.Key(relation.EventId), relType, sender, typeNid, MaxAnnotations);
        return EventTable.FindMany(db, before).Values.Any(stored => EventRelation.Of(stored.Parse(room.Version)) == relation)
            ? Duplicate()
            : null;
    }

    private static Refusal Duplicate() => new(RefusalKind.DuplicateAnnotation, "You have annotated the event with that already");
}
