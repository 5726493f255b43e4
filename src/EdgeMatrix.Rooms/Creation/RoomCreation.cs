using System.Text.Json;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Creation;

/// <summary>Makes rooms.</summary>
/// <remarks>
/// The server creates a new room and sends these events in order, all of them or none:
/// 1. m.room.create; 2. m.room.member of the creator; 3. m.room.power_levels; 4. m.room.canonical_alias, if an alias is
/// asked for; 5. what the preset says; 6. initial_state; 7. m.room.name and m.room.topic; 8. invites. Users of other servers are invited once the
/// room is there, and may not want to be.
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#creation
/// </remarks>
public sealed class RoomCreation(RoomEngine engine, RoomMembers members, RandomSource random, string defaultVersion)
{
    private const int MaxInvites = 100;
    private const int InvitesAtOnce = 10;
    private static readonly TimeSpan _timeToInvite = TimeSpan.FromSeconds(60);

    public async Task<Outcome<Room>> CreateAsync(string creator, CreateRoomRequest request)
    {
        if (Check(request, out var version, out var alias, out var preset) is { } refusal)
        {
            return refusal;
        }

        var drafts = Drafts(creator, request, version, alias, preset);
        var roomId = version.CreateEventIsRoomId ? null : $"!{random.Base62(18)}:{engine.Server.Name}";
        var outcome = await engine.CreateAsync(version, roomId, drafts, (db, room) =>
        {
            if (request.Visibility == "public")
            {
                RoomTable.SetListed(db, room, true);
            }

            return alias is null || RoomAliasTable.TryAdd(db, alias, room, Storage.UserTable.Intern(db, creator));
        });

        if (outcome.Value is not { } room)
        {
            // The rules refused an event that the request asked for: the room it describes cannot exist.
            return outcome.Refusal is { Kind: RefusalKind.Forbidden } forbidden ? new Refusal(RefusalKind.InvalidRoomState, forbidden.Message) : outcome;
        }

        await InviteOthersAsync(room, creator, request);
        return room;
    }

    /// <summary>Invites the users of other servers. Whether they come, or their servers answer, the room is there.</summary>
    private async Task InviteOthersAsync(Room room, string creator, CreateRoomRequest request)
    {
        using var limit = new CancellationTokenSource(_timeToInvite, engine.Time);
        var options = new ParallelOptions { MaxDegreeOfParallelism = InvitesAtOnce, CancellationToken = limit.Token };
        try
        {
            await Parallel.ForEachAsync(Invitees(creator, request).Where(members.MustBeSigned), options, async (invitee, cancellation) =>
                await members.InviteAsync(room, creator, invitee, reason: null, cancellation, request.IsDirect));
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            // The client has waited long enough to be told of its room.
        }
    }

    private Refusal? Check(CreateRoomRequest request, out RoomVersion version, out string? alias, out Preset preset)
    {
        alias = null;
        preset = Preset.PrivateChat;
        var wanted = request.RoomVersion ?? defaultVersion;
        if (RoomVersions.Find(wanted) is not { } found)
        {
            version = null!;
            return new Refusal(
                RefusalKind.UnsupportedRoomVersion, $"Room version {wanted} is not supported; these are: {string.Join(", ", RoomVersions.All.Select(v => v.Id))}");
        }

        version = found;
        if (request.Visibility is not (null or "public" or "private"))
        {
            return Refusal.InvalidParam("visibility must be public or private");
        }

        if (Preset.Find(request.Preset ?? (request.Visibility == "public" ? "public_chat" : "private_chat")) is not { } known)
        {
            return Refusal.InvalidParam("preset must be private_chat, public_chat or trusted_private_chat");
        }

        preset = known;
        if (request.Invite is { Length: > MaxInvites })
        {
            return Refusal.InvalidParam($"At most {MaxInvites} users can be invited at once");
        }

        if (request.Invite?.FirstOrDefault(i => !UserId.TryParse(i, out _)) is { } notUser)
        {
            return Refusal.InvalidParam($"{notUser} is not a user ID");
        }

        if (request.Invite?.Select(i => InvitePermission.Check(engine.Database, i)).FirstOrDefault(blocked => blocked is not null) is { } unwanted)
        {
            return unwanted;
        }

        if (request.CreationContent is { ValueKind: not JsonValueKind.Object } || request.PowerLevelContentOverride is { ValueKind: not JsonValueKind.Object })
        {
            return new Refusal(RefusalKind.BadJson, "creation_content and power_level_content_override must be objects");
        }

        if (request.InitialState?.Contains(null) == true)
        {
            return new Refusal(RefusalKind.BadJson, "initial_state must hold objects");
        }

        if (request.InitialState?.Any(IsNoPowerLevels) == true)
        {
            return new Refusal(RefusalKind.InvalidRoomState, "initial_state has power levels that are none");
        }

        if (request.RoomAliasName is { } name)
        {
            alias = $"#{name}:{engine.Server.Name}";
            if (name.Contains(':') || !RoomAlias.TryParse(alias, out _))
            {
                return Refusal.InvalidParam("room_alias_name must be the part of an alias between # and :, of at most 255 bytes in all");
            }

            using var snapshot = engine.Database.OpenSnapshot();
            if (RoomAliasTable.Find(snapshot, alias) is not null)
            {
                return new Refusal(RefusalKind.RoomInUse, "The room alias is taken");
            }
        }

        return null;
    }

    private static bool IsNoPowerLevels(InitialState? state) =>
        state is { Type: EventTypes.PowerLevels, Content.ValueKind: JsonValueKind.Object } && !PowerLevelsForm.CheckNew(state.Content).Allowed;

    private List<EventDraft> Drafts(string creator, CreateRoomRequest request, RoomVersion version, string? alias, Preset preset)
    {
        var drafts = new List<EventDraft>();
        void Add(string type, string stateKey, JsonElement content) => drafts.Add(new EventDraft(type, stateKey, creator, content));

        var invites = Invitees(creator, request).ToArray();
        var trusted = preset.TrustsInvitees ? invites : [];

        Add("m.room.create", "", CreateContent(creator, request, version, trusted));
        Add("m.room.member", creator, MemberContent.Of(engine.Database, "join", creator, null, null));
        Add("m.room.power_levels", "", DefaultPowerLevels.Content(version, creator, trusted, preset.InviteLevel, request.PowerLevelContentOverride));
        if (alias is not null)
        {
            Add("m.room.canonical_alias", "", JsonContent.Of("alias", alias));
        }

        // What initial_state sets, the preset need not.
        foreach (var (type, content) in preset.State.Where(s => request.InitialState?.Any(i => i!.Type == s.Type && i.StateKey.Length == 0) != true))
        {
            Add(type, "", content);
        }

        foreach (var initial in request.InitialState ?? [])
        {
            Add(initial!.Type, initial.StateKey, initial.Content);
        }

        if (request.Name is { } name)
        {
            Add("m.room.name", "", JsonContent.Of("name", name));
        }

        if (request.Topic is { } topic)
        {
            Add("m.room.topic", "", TopicContent(topic));
        }

        foreach (var invitee in invites.Where(invitee => !members.MustBeSigned(invitee)))
        {
            Add("m.room.member", invitee, MemberContent.Of(engine.Database, "invite", invitee, null, json =>
            {
                if (request.IsDirect)
                {
                    json.WriteBoolean("is_direct", true);
                }
            }));
        }

        return drafts;
    }

    private static IEnumerable<string> Invitees(string creator, CreateRoomRequest request) =>
        (request.Invite ?? []).Where(invitee => invitee != creator).Distinct();

    private static JsonElement CreateContent(string creator, CreateRoomRequest request, RoomVersion version, string[] trusted) =>
        JsonContent.Object(json =>
        {
            var additional = new List<string>();
            if (request.CreationContent is { } content)
            {
                foreach (var property in content.EnumerateObject())
                {
                    // The server will overwrite the keys that are its own.
                    if (property.Name is "room_version" or "creator")
                    {
                        continue;
                    }

                    if (property.Name == "additional_creators" && version.PrivilegedCreators && property.Value.ValueKind == JsonValueKind.Array
                        && property.Value.EnumerateArray().All(u => u.ValueKind == JsonValueKind.String))
                    {
                        additional.AddRange(property.Value.EnumerateArray().Select(u => u.GetString()!));
                        continue;
                    }

                    property.WriteTo(json);
                }
            }

            // In the trusted_private_chat preset of room version 12, invitees become additional creators.
            if (version.PrivilegedCreators && additional.Union(trusted).ToArray() is { Length: > 0 } creators)
            {
                json.WriteStartArray("additional_creators");
                foreach (var user in creators)
                {
                    json.WriteStringValue(user);
                }

                json.WriteEndArray();
            }

            if (version.CreatorInContent)
            {
                json.WriteString("creator", creator);
            }

            json.WriteString("room_version", version.Id);
        });

    // m.topic is the topic for clients that read content blocks; the plain string is its fallback.
    private static JsonElement TopicContent(string topic) => JsonContent.Object(json =>
    {
        json.WriteString("topic", topic);
        json.WriteStartObject("m.topic");
        json.WriteStartArray("m.text");
        json.WriteStartObject();
        json.WriteString("body", topic);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    });
}
