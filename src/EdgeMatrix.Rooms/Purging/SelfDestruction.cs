using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Purging;

/// <summary>
/// Empties messages by the time that their senders named, as a redaction would, but without an event that tells of it: each server that has the message
/// does so by itself.
/// </summary>
/// <remarks>MSC2228: https://github.com/matrix-org/matrix-spec-proposals/pull/2228. State events are never emptied so.</remarks>
public sealed class SelfDestruction : IDisposable
{
    private const string Field = "org.matrix.self_destruct_after";
    private const int MessagesPerSlice = 64;

    // What a timer takes, and after which time one that failed is tried again.
    private static readonly TimeSpan _longest = TimeSpan.FromDays(1);
    private static readonly TimeSpan _retry = TimeSpan.FromMinutes(1);

    private readonly Database _database;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private long _next = long.MaxValue;

    public SelfDestruction(Database database, TimeProvider time)
    {
        (_database, _time) = (database, time);
        _timer = time.CreateTimer(_ => _ = EmptyDueAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>By when an event is to be gone, in ms since the Unix epoch; null: it stays.</summary>
    public static long? DueMs(Pdu pdu) =>
        pdu.StateKey is null
        && pdu.Content.TryGetProperty(Field, out var value)
        && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt64(out var due)
            // Early room versions have any integer, and a difference to one of the least would be none any more.
            ? Math.Max(due, 0)
            : null;

    /// <summary>Begins with what became due while the server was away.</summary>
    public void Start()
    {
        using var snapshot = _database.OpenSnapshot();
        if (SelfDestructTable.First(snapshot) is { } first)
        {
            Note(first);
        }
    }

    /// <summary>A message that is to be gone by that time, in ms since the Unix epoch, is on the disk.</summary>
    public void Note(long dueMs)
    {
        lock (_lock)
        {
            if (dueMs < _next)
            {
                _next = dueMs;
                Arm(TimeSpan.FromMilliseconds(Math.Clamp(dueMs - NowMs(), 0, (long)_longest.TotalMilliseconds)));
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private async Task EmptyDueAsync()
    {
        try
        {
            while (await _database.WriteAsync(EmptySome))
            {
            }
        }
        catch (DatabaseException)
        {
            // Of a disk that takes no writes the operator hears elsewhere.
            Arm(_retry);
        }
        catch (ObjectDisposedException)
        {
            // The next start goes on.
        }
    }

    /// <returns>Whether more are due.</returns>
    private bool EmptySome(WriteTransaction db)
    {
        foreach (var nid in SelfDestructTable.Take(db, NowMs(), MessagesPerSlice))
        {
            if (EventTable.Find(db, nid) is { } stored
                && !stored.Flags.HasFlag(EventFlags.Redacted)
                && RoomTable.Find(db, stored.Room) is { } row
                && RoomVersions.Find(row.Version) is { } version
                && Read(stored, version) is { } pdu)
            {
                EventAppender.Empty(db, stored, pdu, redaction: null);
            }
        }

        var first = SelfDestructTable.First(db);
        db.AfterCommit(() =>
        {
            lock (_lock)
            {
                _next = long.MaxValue;
            }

            if (first is not null)
            {
                Note(first.Value);
            }
        });
        return first <= NowMs();
    }

    // What is damaged tells nobody anything any more, and must not hold up the others.
    private static Pdu? Read(StoredEvent stored, RoomVersion version)
    {
        try
        {
            return stored.Parse(version);
        }
        catch (Exception damage) when (damage is FormatException or DatabaseException { ResultCode: 0 })
        {
            return null;
        }
    }

    private void Arm(TimeSpan after) => _timer.Change(after, Timeout.InfiniteTimeSpan);

    private long NowMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
