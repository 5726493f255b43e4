using System.Collections.Immutable;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Rooms.Engine;

/// <summary>A room in memory: the gate that serialises its events, and its head.</summary>
public sealed class Room
{
    // Itself, its gate and locks, and the tables while they are empty.
    private const int OwnBytes = 720;
    private const int MemberBytes = 36;

    private readonly Lock _lock = new();
    private readonly HashSet<long> _localMembers;
    private ImmutableArray<long>? _localMembersListed;
    private readonly Dictionary<TransactionId, Task<string>> _transactions = [];
    private readonly HashSet<(string Sender, string Type, EventRelation Relation)> _annotations = [];
    private RoomHead? _head;

    internal Room(string id, RoomVersion version, long nid, IEnumerable<long> localMembers)
    {
        Id = id;
        Version = version;
        Nid = nid;
        _localMembers = [.. localMembers];
    }

    public string Id { get; }

    /// <summary>Changes only as long as nothing is known of the room but what others told with an invite.</summary>
    public RoomVersion Version { get; internal set; }

    /// <summary>0 until the creation of the room is on its way to the disk.</summary>
    public long Nid { get; internal set; }

    /// <summary>It was deleted: no event can be built on it any more. Read and set inside the gate.</summary>
    internal bool IsGone { get; set; }

    /// <summary>Held while an event is built on the head; not while it goes to the disk.</summary>
    internal SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>The head that events are built on; null when it must be read from the disk.</summary>
    internal RoomHead? Head
    {
        get => Volatile.Read(ref _head);
        set => Volatile.Write(ref _head, value);
    }

    /// <summary>About what it takes of the memory.</summary>
    internal long Bytes
    {
        get
        {
            lock (_lock)
            {
                return OwnBytes + (_localMembers.Count * MemberBytes) + (Head?.Bytes ?? 0);
            }
        }
    }

    /// <summary>Nids of the joined users who have an account here, to be told of changes: the same list until one comes or goes.</summary>
    public ImmutableArray<long> LocalMembers()
    {
        lock (_lock)
        {
            return _localMembersListed ??= [.. _localMembers];
        }
    }

    internal void SetLocalMember(long user, bool joined)
    {
        lock (_lock)
        {
            if (joined ? _localMembers.Add(user) : _localMembers.Remove(user))
            {
                _localMembersListed = null;
            }
        }
    }

    /// <summary>Drops the head, if it is still the given one.</summary>
    internal void DropHead(RoomHead head) => Interlocked.CompareExchange(ref _head, null, head);

    /// <summary>Whether an annotation alike is on its way to the disk.</summary>
    internal bool IsBeingAnnotated(string sender, string type, EventRelation relation)
    {
        lock (_lock)
        {
            return _annotations.Contains((sender, type, relation));
        }
    }

    /// <summary>Remembers the annotations among events while they are on their way to the disk.</summary>
    /// <param name="pending">Whether the way begins; false: it ends.</param>
    internal void TrackAnnotations(IReadOnlyList<Pdu> events, bool pending)
    {
        foreach (var pdu in events)
        {
            if (EventRelation.Of(pdu) is { RelType: EventRelation.Annotation } relation)
            {
                lock (_lock)
                {
                    _ = pending ? _annotations.Add((pdu.Sender, pdu.Type, relation)) : _annotations.Remove((pdu.Sender, pdu.Type, relation));
                }
            }
        }
    }

    /// <summary>The write that a repeated request waits for, while it is on its way to the disk.</summary>
    internal Task<string>? PendingTransaction(TransactionId? transaction)
    {
        lock (_lock)
        {
            return transaction is null ? null : _transactions.GetValueOrDefault(transaction);
        }
    }

    internal void TrackTransaction(TransactionId? transaction, Task<string> written)
    {
        if (transaction is null)
        {
            return;
        }

        lock (_lock)
        {
            _transactions[transaction] = written;
        }

        _ = written.ContinueWith(
            _ =>
            {
                lock (_lock)
                {
                    _transactions.Remove(transaction);
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}
