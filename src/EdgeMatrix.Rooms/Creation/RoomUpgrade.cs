using System.Text.Json;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Creation;

/// <summary>Replaces a room by one of another version.</summary>
/// <remarks>
/// 1. Checks that the user may send m.room.tombstone, and makes one, which the new room names as what its predecessor ended with: there clients
/// lead to. 2. Makes the replacement room. 3. with the state that can be transferred, and the bans; 5. Sends the m.room.tombstone; then 4. the
/// local aliases and the place in the directory change over: whoever is stopped between leaves an unused room, or names that lead to the tombstone.
/// 6. Raises what one needs to send and to invite in the old room, where the user may.
/// Only the user is in the new room; others follow the tombstone.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
/// </remarks>
public sealed class RoomUpgrade(RoomEngine engine, RandomSource random)
{
    private const string Tombstone = "m.room.tombstone";
    private const int MaxBans = 10_000;
    private const int LeastLevelAfter = 50;

    /// <summary>What the specification recommends, and how long messages live.</summary>
    private static readonly string[] _transferred =
    [
        "m.room.server_acl", "m.room.encryption", "m.room.name", "m.room.avatar", "m.room.topic", "m.room.guest_access",
        "m.room.history_visibility", "m.room.join_rules", "m.room.retention",
    ];

    // One at a time: of two upgrades of a room the second finds that it was replaced.
    private SemaphoreSlim Turn { get; } = new(1, 1);

    /// <param name="additionalCreators">Ignored where the new version knows but one creator.</param>
    /// <returns>The new room.</returns>
    public async Task<Outcome<Room>> UpgradeAsync(
        Room old, string userId, string newVersion, string[] additionalCreators, CancellationToken cancellationToken)
    {
        await Turn.WaitAsync(cancellationToken);
        try
        {
            // What is begun is done, whether or not the client waits for it.
            return await UpgradeAsync(old, userId, newVersion, additionalCreators);
        }
        finally
        {
            Turn.Release();
        }
    }

    private async Task<Outcome<Room>> UpgradeAsync(Room old, string userId, string newVersion, string[] additionalCreators)
    {
        if (RoomVersions.Find(newVersion) is not { } version)
        {
            return new Refusal(RefusalKind.UnsupportedRoomVersion, $"Room version {newVersion} is not supported");
        }

        if (additionalCreators.FirstOrDefault(creator => !UserId.TryParse(creator, out _)) is { } notUser)
        {
            return Refusal.InvalidParam($"{notUser} is not a user ID");
        }

        var creators = version.PrivilegedCreators ? additionalCreators.Where(creator => creator != userId).Distinct().ToArray() : [];
        var roomId = version.CreateEventIsRoomId ? null : $"!{random.Base62(18)}:{engine.Server.Name}";
        var (drafts, refusal) = Prepare(old, userId, version, creators, tombstone: null);
        Pdu? tombstone = null;
        if (refusal is null && roomId is not null)
        {
            (tombstone, refusal) = await engine.BuildAsync(old, _ => new EventDraft(Tombstone, "", userId, Closing(roomId)), CancellationToken.None);
            if (tombstone is not null)
            {
                (drafts, refusal) = Prepare(old, userId, version, creators, tombstone.EventId);
            }
        }

        if (refusal is not null)
        {
            return refusal;
        }

        var (room, failed) = await engine.CreateAsync(version, roomId, drafts!, (_, _) => true);
        if (room is null)
        {
            return failed! with { Message = $"The room cannot be as it is in version {version}: {failed!.Message}" };
        }

        if (await CloseAsync(old, userId, room, tombstone) is { } notClosed)
        {
            return notClosed;
        }

        await engine.Database.WriteAsync(db => UpgradedRoomSettings.MoveNames(db, old.Nid, room.Nid));

        // If possible: what the user has not the power for stays as it is.
        await SendAsync(old, userId, "m.room.canonical_alias", current => current is null ? null : JsonContent.Object(_ => { }));
        await SendAsync(old, userId, EventTypes.PowerLevels, current => current is null ? null : Closed(old.Version, current.Content));

        await UpgradedRoomSettings.CarryOverAsync(engine, room, userId);
        return room;
    }

    private Outcome<List<EventDraft>> Prepare(Room old, string userId, RoomVersion version, string[] creators, string? tombstone)
    {
        using var db = engine.Database.OpenSnapshot();
        if (RoomTable.Find(db, old.Id) is not { } row
            || State(EventTypes.Member, userId) is not { } member
            || Memberships.Of(member) != Membership.Join
            || State(EventTypes.Create, "") is not { } create)
        {
            return Refusal.Forbidden("You are not in the room, or it does not exist");
        }

        var powerLevels = State(EventTypes.PowerLevels, "");
        var levels = PowerLevels.From(old.Version, powerLevels, create);
        if (levels.ForUser(userId) < levels.RequiredFor(Tombstone, isState: true))
        {
            return Refusal.Forbidden("Upgrading a room needs the power level of m.room.tombstone");
        }

        if (Replacement(db, old, State(Tombstone, "")) is { } replacement)
        {
            return new Refusal(RefusalKind.BadState, $"The room was replaced by {replacement} already");
        }

        var drafts = new List<EventDraft>();
        void Add(string type, string stateKey, JsonElement content) => drafts.Add(new EventDraft(type, stateKey, userId, content));

        Add(EventTypes.Create, "", CreateContent(old, create, tombstone, userId, version, creators));
        Add(EventTypes.Member, userId, MemberContent.Of(db, "join", userId, null, null));
        var (initial, final) = UpgradedPowerLevels.Of(old.Version, powerLevels?.Content, levels.ForUser(userId), userId, version, creators);
        Add(EventTypes.PowerLevels, "", initial);
        foreach (var type in _transferred)
        {
            if (State(type, "") is { } pdu)
            {
                Add(type, "", type == EventTypes.JoinRules ? JoinRules(pdu.Content, version) : pdu.Content);
            }
        }

        // A space without its rooms would be none.
        if (JsonContent.Text(create.Content, "type") == "m.space")
        {
            var children = StateNodes.FindMany(db, row.State, StateKeyTable.SpaceChildren(db, row.Nid).ToArray());
            foreach (var child in EventTable.FindMany(db, children.Select(entry => entry.Event)).Values.Select(stored => stored.Parse(old.Version)))
            {
                if (child.Content.TryGetProperty("via", out _))
                {
                    Add(child.Type, child.StateKey!, child.Content);
                }
            }
        }

        if (CanonicalAlias(db, row, State("m.room.canonical_alias", "")) is { } alias)
        {
            Add("m.room.canonical_alias", "", alias);
        }

        foreach (var banned in MembershipTable.InRoom(db, row.Nid, Membership.Ban, MaxBans))
        {
            if (UserTable.Name(db, banned.User) is { } name)
            {
                Add(EventTypes.Member, name, MemberContent.Bare("ban", null));
            }
        }

        if (final is { } lowered)
        {
            Add(EventTypes.PowerLevels, "", lowered);
        }

        return drafts;

        Pdu? State(string type, string stateKey) => RoomStateReader.Find(db, old.Version, row.State, type, stateKey);
    }

    /// <summary>The room that says of itself that it replaced this one, and of which this one says so; null if there is none here.</summary>
    private static string? Replacement(Session db, Room old, Pdu? tombstone)
    {
        if (tombstone is null
            || JsonContent.Text(tombstone.Content, "replacement_room") is not { } id
            || RoomTable.Find(db, id) is not { } row
            || RoomVersions.Find(row.Version) is not { } version
            || RoomStateReader.Find(db, version, row.State, EventTypes.Create, "") is not { } create)
        {
            return null;
        }

        return create.Content.TryGetProperty("predecessor", out var predecessor)
            && predecessor.ValueKind == JsonValueKind.Object
            && JsonContent.Text(predecessor, "room_id") == old.Id
                ? id
                : null;
    }

    private static JsonElement CreateContent(Room old, Pdu create, string? tombstone, string userId, RoomVersion version, string[] creators) =>
        JsonContent.Object(json =>
        {
            if (creators.Length > 0)
            {
                json.WriteStartArray("additional_creators");
                Array.ForEach(creators, json.WriteStringValue);
                json.WriteEndArray();
            }

            if (version.CreatorInContent)
            {
                json.WriteString("creator", userId);
            }

            if (create.Content.TryGetProperty("m.federate", out var federate) && federate.ValueKind == JsonValueKind.False)
            {
                json.WriteBoolean("m.federate", false);
            }

            // When upgrading to room version 12 or later, the event_id property inside predecessor MAY be omitted.
            json.WriteStartObject("predecessor");
            if (tombstone is not null)
            {
                json.WriteString("event_id", tombstone);
            }

            json.WriteString("room_id", old.Id);
            json.WriteEndObject();
            json.WriteString("room_version", version.Id);
            if (JsonContent.Text(create.Content, "type") is { } type)
            {
                json.WriteString("type", type);
            }
        });

    // A rule that the version does not know lets nobody in; nor does invite, and that one people understand.
    private static JsonElement JoinRules(JsonElement content, RoomVersion version) => JsonContent.Text(content, "join_rule") switch
    {
        "knock" when !version.Knocking => JsonContent.Of("join_rule", "invite"),
        "restricted" when !version.RestrictedJoins => JsonContent.Of("join_rule", "invite"),
        "knock_restricted" when !version.KnockRestrictedJoins => JsonContent.Of("join_rule", "invite"),
        _ => content,
    };

    /// <summary>Those of the room's names that change over; null if none does.</summary>
    private static JsonElement? CanonicalAlias(Session db, RoomRow row, Pdu? canonical)
    {
        var moved = RoomAliasTable.OfRoom(db, row.Nid);
        if (canonical is null)
        {
            return null;
        }

        var main = JsonContent.Text(canonical.Content, "alias") is { } alias && moved.Contains(alias) ? alias : null;
        var others = canonical.Content.TryGetProperty("alt_aliases", out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Where(other => other.ValueKind == JsonValueKind.String).Select(other => other.GetString()!).Where(moved.Contains).ToList()
            : [];
        return main is null && others.Count == 0 ? null : JsonContent.Object(json =>
        {
            if (main is not null)
            {
                json.WriteString("alias", main);
            }

            if (others.Count > 0)
            {
                json.WriteStartArray("alt_aliases");
                others.ForEach(json.WriteStringValue);
                json.WriteEndArray();
            }
        });
    }

    private static JsonElement Closing(string replacement) => JsonContent.Object(json =>
    {
        json.WriteString("body", "This room has been replaced");
        json.WriteString("replacement_room", replacement);
    });

    /// <param name="tombstone">The one that the new room names; null if it names none.</param>
    private async Task<Refusal?> CloseAsync(Room old, string userId, Room replacement, Pdu? tombstone)
    {
        if (tombstone is null)
        {
            return (await SendAsync(old, userId, Tombstone, _ => Closing(replacement.Id))).Refusal;
        }

        var reception = (await engine.ReceiveAsync(old, [tombstone], CancellationToken.None, outgoing: true))[0];
        return reception.Outcome == ReceiptOutcome.Accepted ? null : Refusal.Forbidden(reception.Refusal ?? "The room does not take the tombstone");
    }

    private Task<Outcome<string>> SendAsync(Room old, string userId, string type, Func<Pdu?, JsonElement?> content) => engine.SendAsync(
        old,
        state => content(state(type, "")) is { } wanted ? new EventDraft(type, "", userId, wanted) : default(Outcome<EventDraft>),
        null,
        CancellationToken.None);

    // For example, setting events_default and invite to the greater of 50 and users_default + 1.
    private static JsonElement Closed(RoomVersion version, JsonElement content)
    {
        var least = Math.Max(LeastLevelAfter, (Level("users_default") ?? 0) + 1);
        return JsonContent.Object(json =>
        {
            foreach (var property in content.EnumerateObject())
            {
                if (property.Name is not ("events_default" or "invite"))
                {
                    property.WriteTo(json);
                }
            }

            json.WriteNumber("events_default", Math.Max(least, Level("events_default") ?? 0));
            json.WriteNumber("invite", Math.Max(least, Level("invite") ?? 0));
        });

        long? Level(string name) => content.TryGetProperty(name, out var level) ? PowerLevelValue.Read(level, version) : null;
    }
}
