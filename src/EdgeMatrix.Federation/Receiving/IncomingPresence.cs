using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Receiving;

/// <summary><c>m.presence</c>: how users of another server are.</summary>
/// <remarks>
/// It may be quicker than the join that has it told: of those who share no room with anybody here the last is kept in memory for a while.
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#presence
/// </remarks>
public sealed class IncomingPresence
{
    private const int MostUsers = 500;
    private const int MaxMessageCharacters = 1_024;
    private const int EarlyBytes = 600;

    /// <summary>A join takes no longer, or what was told is old.</summary>
    private static readonly TimeSpan _earlyHolds = TimeSpan.FromMinutes(2);

    private readonly Database _database;
    private readonly LocalServer _server;
    private readonly UserPresence _presence;
    private readonly TimeProvider _time;
    private readonly BoundedCache<string, Told> _early = new("early_presence", wanted: 128 << 10, least: 16 << 10);

    public IncomingPresence(Database database, LocalServer server, UserPresence presence, TimeProvider time)
    {
        (_database, _server, _presence, _time) = (database, server, presence, time);
        database.Memory.Add(_early);
    }

    /// <returns>Whether any was taken.</returns>
    public Task<bool> ReceiveAsync(string origin, JsonElement content) => Task.FromResult(
        _presence.Enabled && content.ArrayOrNull("push"u8) is { } push
        && Take(push.EnumerateArray().Take(MostUsers).Select(Read).OfType<Told>().Where(told => EduOrigin.Owns(origin, told.UserId))));

    /// <summary>An event is on its way to the disk: who joins by it may meet whoever's presence came before.</summary>
    public void Appended(WriteTransaction db, AppendedEvent appended)
    {
        if (appended is { IsMove: true, Pdu: { Type: EventTypes.Member, StateKey: { } user } } && Memberships.Of(appended.Pdu) == Membership.Join)
        {
            db.AfterCommit(() => Met(user));
        }
    }

    /// <summary>Events of members became known, as those of a room that was entered without them.</summary>
    public void Came(IReadOnlyList<Pdu> members)
    {
        foreach (var pdu in members.Where(pdu => pdu.Type == EventTypes.Member))
        {
            Met(pdu.StateKey!);
        }
    }

    private void Met(string user)
    {
        var early = new List<Told>();
        if (_early.TryGet(user, out var told))
        {
            _early.Remove(user);
            early.Add(told);
        }
        else if (_server.Owns(user))
        {
            _early.RemoveWhere((_, one) =>
            {
                early.Add(one);
                return true;
            });
        }

        if (early.Count > 0)
        {
            // Not by whoever comes from a commit, who reads nothing of the database; and nobody waits for it.
            _ = Task.Run(() => Take(early.Where(one => _time.GetUtcNow() - one.At < _earlyHolds)));
        }
    }

    private bool Take(IEnumerable<Told> updates)
    {
        var known = new List<(Told Update, long User)>();
        using (var snapshot = _database.OpenSnapshot())
        {
            foreach (var update in updates)
            {
                // Who shares no room with anybody here is shown to nobody.
                if (UserTable.Find(snapshot, update.UserId) is { } user && RemoteDeviceListTable.IsShared(snapshot, user))
                {
                    known.Add((update, user));
                }
                else
                {
                    _early.Set(update.UserId, update, EarlyBytes + (2 * (update.UserId.Length + (update.Message?.Length ?? 0))));
                }
            }
        }

        foreach (var ((userId, state, message, lastActive, isActive, _), user) in known)
        {
            _presence.Receive(user, userId, state, message, lastActive, isActive);
        }

        return known.Count > 0;
    }

    private Told? Read(JsonElement update)
    {
        PresenceState? state = update.StringOrNull("presence"u8) switch
        {
            "online" => PresenceState.Online,
            "unavailable" => PresenceState.Unavailable,
            "offline" => PresenceState.Offline,
            _ => null,
        };
        if (state is not { } known || update.StringOrNull("user_id"u8) is not { } userId)
        {
            return null;
        }

        var message = update.StringOrNull("status_msg"u8) is { Length: > 0 and <= MaxMessageCharacters } said ? said : null;
        var active = update.Find("currently_active"u8) is { ValueKind: JsonValueKind.True };
        return new Told(userId, known, message, LastActive(update), active, _time.GetUtcNow());
    }

    private DateTimeOffset? LastActive(JsonElement update)
    {
        var now = _time.GetUtcNow();
        return update.IntegerOrNull("last_active_ago"u8) is >= 0 and { } ago
            ? DateTimeOffset.FromUnixTimeMilliseconds(Math.Max(0, now.ToUnixTimeMilliseconds() - ago))
            : null;
    }

    /// <param name="At">When it was told.</param>
    private sealed record Told(string UserId, PresenceState State, string? Message, DateTimeOffset? LastActive, bool IsActive, DateTimeOffset At);
}
