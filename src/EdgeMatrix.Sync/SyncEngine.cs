using System.Text.Encodings.Web;
using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Rooms.Typing;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Sync.Encryption;
using EdgeMatrix.Sync.Filters;
using EdgeMatrix.Sync.Rooms;

namespace EdgeMatrix.Sync;

/// <summary>Answers <c>/sync</c>: what changed for this device since its last token.</summary>
/// <remarks>
/// <list type="number">
/// <item>Take the task that ends at the user's next change, so that none is missed while looking.</item>
/// <item>Compare what is known in memory of the user's last change, and of typing, with the token: most looks end here.</item>
/// <item>Fix the positions to sync up to, then open the snapshot: it holds all up to them, and what is later is passed over.</item>
/// <item>Find the rooms in which there may be news (<see cref="ChangedRooms"/>), the account data that changed, messages for the device, and whose devices changed.</item>
/// <item>
/// Write each room by the user's membership at the end of the stretch: <see cref="JoinedRoomSync"/>,
/// <see cref="StrippedRoomSync"/> (invited, knocked), <see cref="LeftRoomSync"/>. Timeline first
/// (<see cref="RoomTimeline"/>), then the state that it does not bring (<see cref="RoomStateChanges"/>).
/// </item>
/// <item>If that was nothing, wait for the task of step 1 or the time-out, and look again from where this look ended.</item>
/// </list>
/// Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
/// </remarks>
public sealed class SyncEngine
{
    // Events are sent as they are stored; only what JSON demands is escaped, not what HTML would.
    private static readonly JsonWriterOptions _options =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly RoomEngine _engine;
    private readonly TypingUsers _typing;
    private readonly UserPresence _presence;
    private readonly KnownKeyCounts _keyCounts;
    private readonly LazyLoadedMembers _lazyMembers = new(wanted: 4 << 20);
    private readonly MemberKeys _memberKeys = new();
    private readonly ToDeviceInboxes _inboxes;
    private readonly WaitingSyncs _waiting;

    public SyncEngine(RoomEngine engine, TypingUsers typing, UserPresence presence, KnownKeyCounts keyCounts)
    {
        (_engine, _typing, _presence, _keyCounts) = (engine, typing, presence, keyCounts);
        _inboxes = new ToDeviceInboxes(engine.Database);
        engine.Database.Memory.Add(_lazyMembers);
        engine.Database.Memory.Add(_memberKeys);
        _waiting = new WaitingSyncs(engine.Database.Memory);
    }

    /// <summary>Whether a token can have come from this server.</summary>
    public bool Knows(SyncToken token) => Math.Max(token.Position, token.ToDevice) <= _engine.Database.CommittedPosition;

    /// <summary>Writes the answer into <paramref name="output"/>, as soon as there is news or at the time-out.</summary>
    /// <param name="end">Ends the wait early, with what there is: nothing.</param>
    /// <returns>False, and nothing is written, if there is no news and too many wait for some already.</returns>
    public async Task<bool> SyncAsync(SyncRequest request, ResponseBuffer output, CancellationToken end)
    {
        if (request.Since is null)
        {
            _lazyMembers.Forget(request.Device);
        }

        if (request.Since is { } acknowledged)
        {
            await _inboxes.AcknowledgeAsync(request.Device, acknowledged.ToDevice);
        }

        _presence.Synced(request.User, request.UserId, request.Device, request.Presence, request.Timeout);
        var since = request.Since;
        var start = _engine.Time.GetTimestamp();
        while (true)
        {
            var next = _engine.Notifier.NextChange(request.User);
            if (Look(request, ref since, output))
            {
                return true;
            }

            var left = request.Timeout - _engine.Time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero || end.IsCancellationRequested)
            {
                WriteNothing(output, request, since!.Value);
                return true;
            }

            if (!await WaitAsync(next, request.User, request.Device, left, end))
            {
                return false;
            }
        }
    }

    /// <summary>Waits for news as one of the syncs that wait; the time-out and the end are no errors: either way one last look is to be taken.</summary>
    /// <param name="news">Ends when there may be news.</param>
    /// <returns>False if too many wait already.</returns>
    public async Task<bool> WaitAsync(Task news, long user, long device, TimeSpan timeout, CancellationToken end)
    {
        if (!_waiting.TryEnter(user, device))
        {
            return false;
        }

        await news.WaitAsync(timeout, _engine.Time, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _waiting.Leave(user, device);
        return true;
    }

    /// <summary>The user's memberships of the rooms in which there may be news after a stream position.</summary>
    /// <param name="upTo">The position that the snapshot is looked at.</param>
    public List<MembershipRow> ChangedRoomsOf(Session db, long user, string userId, long after, long upTo)
    {
        var request = Request(user, userId, 0, new SyncToken(after, 0, 0));
        var round = Round(db, request, request.Since, new SyncToken(upTo, 0, 0));
        return ChangedRooms.Rows(round, _engine.Notifier, AccountDataNews.Read(round));
    }

    /// <summary>Whose devices changed for the user between two syncs, in the order of time.</summary>
    public DeviceListNews DeviceLists(long user, string userId, long device, SyncToken from, SyncToken to)
    {
        var request = Request(user, userId, device, from);
        using var db = _engine.Database.OpenSnapshot();
        var round = Round(db, request, from, to);
        return DeviceListNews.Read(round, ChangedRooms.Rows(round, _engine.Notifier, AccountDataNews.Read(round)));
    }

    private SyncRound Round(Session db, SyncRequest request, SyncToken? since, SyncToken upTo) =>
        new(db, _engine, _typing, _lazyMembers, _memberKeys, request, since, upTo);

    private static SyncToken At(SyncToken token, long position) => token with { Position = position, ToDevice = position };

    /// <summary>Looks for news once. If there is none, moves <paramref name="since"/> on to where it looked up to.</summary>
    private bool Look(SyncRequest request, ref SyncToken? since, ResponseBuffer output)
    {
        // Typing first: what changes after the positions were read is found again by the next look.
        var upTo = new SyncToken(0, _typing.Position, 0);
        if (since is not { } known)
        {
            upTo = At(upTo, _engine.Database.CommittedPosition);
        }
        else
        {
            var lastChange = _engine.Notifier.LastChange(request.User);
            if (lastChange <= known.Position && upTo.Typing == known.Typing && known.ToDevice >= known.Position && !request.FullState)
            {
                return false;
            }

            upTo = At(upTo, Math.Max(lastChange, known.Position));

            // A typing position from after this one is of an earlier run of the server, whose clock was ahead.
            since = known.Typing <= upTo.Typing ? known : known with { Typing = 0 };
        }

        // Before the snapshot: they may open one of their own, and whoever holds one and waits for another can wait for ever.
        var keyCounts = _keyCounts.Of(request.Device);
        using var db = _engine.Database.OpenSnapshot();
        if (Write(Round(db, request, since, upTo), keyCounts, output))
        {
            return true;
        }

        output.Clear();
        since = upTo;
        return false;
    }

    private static SyncRequest Request(long user, string userId, long device, SyncToken since) =>
        new(user, userId, device, since, TimeSpan.Zero, SyncFilter.All, false, StateProperty.State, PresenceState.Offline);

    /// <returns>Whether it is worth sending: there is news, or the client asked to be answered at once.</returns>
    private bool Write(SyncRound round, KeyCounts keyCounts, ResponseBuffer output)
    {
        using var json = new Utf8JsonWriter(output, _options);
        var accountData = AccountDataNews.Read(round);
        var ofUser = accountData.OfUser(round);
        var rows = ChangedRooms.Rows(round, _engine.Notifier, accountData);
        var rooms = ChangedRooms.Find(round, rows);
        var (messages, toDevice) = _inboxes.Read(round);
        var deviceLists = DeviceListNews.Read(round, rows);
        var presence = PresenceNews.Read(round, _presence, deviceLists.Met);
        WriteHead(json, round.UpTo with { ToDevice = toDevice }, messages, presence, keyCounts);
        deviceLists.Write(json);
        AccountDataNews.Write(json, ofUser);
        var news = round.Since is null || round.Request.FullState || ofUser.Count > 0 || messages.Count > 0 || deviceLists.Any
            || presence.Count > 0;
        json.WriteStartObject("rooms"u8);
        news |= WriteRooms(json, "join"u8, rooms, own => own == Membership.Join, n => JoinedRoomSync.Write(round, json, n, accountData));
        news |= WriteRooms(json, "invite"u8, rooms, own => own == Membership.Invite, n => StrippedRoomSync.Write(round, json, n));
        news |= WriteRooms(json, "knock"u8, rooms, own => own == Membership.Knock, n => StrippedRoomSync.Write(round, json, n));
        news |= WriteRooms(
            json, "leave"u8, rooms, own => own is Membership.Leave or Membership.Ban, n => LeftRoomSync.Write(round, json, n, accountData),
            () => LostRooms.Write(round, json));
        json.WriteEndObject();
        json.WriteEndObject();
        return news;
    }

    private static bool WriteRooms(
        Utf8JsonWriter json, ReadOnlySpan<byte> section, List<RoomNews> rooms, Func<Membership, bool> belongs, Func<RoomNews, bool> write,
        Func<bool>? writeOthers = null)
    {
        var any = false;
        json.WriteStartObject(section);
        foreach (var room in rooms.Where(news => belongs(news.Own.Membership)))
        {
            any |= write(room);
        }

        any |= writeOthers?.Invoke() is true;

        json.WriteEndObject();
        return any;
    }

    private void WriteHead(Utf8JsonWriter json, SyncToken next, List<ToDeviceRow> messages, List<PresenceStatus> presence, KeyCounts keyCounts)
    {
        json.WriteStartObject();
        json.WriteString("next_batch"u8, next.ToString());
        PresenceNews.Write(json, presence, _engine.Time.GetUtcNow().ToUnixTimeMilliseconds());
        ToDeviceInboxes.Write(json, messages);
        KeyCountSection.Write(json, keyCounts);
    }

    private void WriteNothing(ResponseBuffer output, SyncRequest request, SyncToken next)
    {
        using var json = new Utf8JsonWriter(output, _options);
        WriteHead(json, next, [], [], _keyCounts.Of(request.Device));
        AccountDataNews.Write(json, []);
        json.WriteStartObject("rooms"u8);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
