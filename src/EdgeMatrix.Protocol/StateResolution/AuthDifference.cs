using System.Numerics;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>
/// "The auth difference is calculated by first calculating the full auth chain for each state S_i, that is the union of the auth chains for
/// each event in S_i, and then taking every event that doesn't appear in every auth chain."
/// </summary>
/// <remarks>
/// Like Synapse, this counts the events of a state to its full auth chain, so that what all states have is in no difference. Read to the
/// letter the text leaves them out, which in rooms full of quarrels gives another state now and then; a room must have one.
/// <para>
/// The chains are not built. From the events in conflict it walks down, greatest number first, and notes for each event the states that it
/// is reached from. Where all that is left to visit is reached from every state, all below is too, and the walk ends: its length is that of
/// the difference. An unconflicted event is reached from every state; it is visited only where the walk meets its key, or might have missed it.
/// </para>
/// <para>Spec: https://spec.matrix.org/v1.19/rooms/v12/#definitions</para>
/// </remarks>
internal sealed class AuthDifference
{
    private readonly StateConflict _conflict;
    private readonly RoomEvents _events;
    private readonly IReadOnlySet<long> _conflictedStateSet;
    private readonly HashSet<(string Type, string StateKey)> _conflictedKeys;

    // A bit for each state. Up to 31 states it is a number without an array.
    private readonly BigInteger _everyState;
    private readonly Dictionary<long, BigInteger> _reachedFrom = [];

    // By falling numbers; what is added again while it waits is there once.
    private readonly SortedSet<long> _toVisit = [];
    private readonly SortedSet<long> _notReachedFromAll = [];
    private int _waitingNotReachedFromAll;

    private AuthDifference(StateConflict conflict, IReadOnlySet<long> conflictedStateSet, RoomEvents events)
    {
        _conflict = conflict;
        _events = events;
        _conflictedStateSet = conflictedStateSet;
        _conflictedKeys = [.. conflict.Keys.Select(static key => (key.Type, key.StateKey))];
        _everyState = (BigInteger.One << conflict.StateCount) - 1;
    }

    public static IReadOnlyCollection<long> Of(StateConflict conflict, IReadOnlySet<long> conflictedStateSet, RoomEvents events)
    {
        var difference = new AuthDifference(conflict, conflictedStateSet, events);
        difference.StartFromConflicted();
        difference.Walk();
        difference.StartFromLaterUnconflicted();
        difference.Walk();
        return difference._notReachedFromAll;
    }

    private void StartFromConflicted()
    {
        foreach (var key in _conflict.Keys)
        {
            for (var state = 0; state < key.Candidates.Count; state++)
            {
                if (key.Candidates[state] is not 0 and var candidate)
                {
                    Reach(candidate, BigInteger.One << state);
                }
            }
        }
    }

    // The walk met no key of these, and they may still lead to what it met. An event in conflict is replayed whoever reaches it.
    private void StartFromLaterUnconflicted()
    {
        foreach (var number in _notReachedFromAll)
        {
            if (!_conflictedStateSet.Contains(number))
            {
                foreach (var later in _conflict.Unconflicted.After(number).ToList())
                {
                    Reach(later, _everyState);
                }

                return;
            }
        }
    }

    private void Walk()
    {
        while (_waitingNotReachedFromAll > 0 || MayStillReachDifference())
        {
            var number = _toVisit.Max;
            _toVisit.Remove(number);
            if (_reachedFrom[number] != _everyState)
            {
                _waitingNotReachedFromAll--;
                _notReachedFromAll.Add(number);
                ReachUnconflictedOfSameKey(number);
            }

            var states = _reachedFrom[number];
            foreach (var auth in _events.AuthEventsOf(number))
            {
                Reach(auth, states);
            }
        }
    }

    // What waits is reached from every state; does it lead to an event that was not, as far as was known when it was visited?
    private bool MayStillReachDifference() =>
        _toVisit.Count > 0 && _notReachedFromAll.Count > 0 && _toVisit.Max > _notReachedFromAll.Min;

    private void ReachUnconflictedOfSameKey(long number)
    {
        if (!_conflictedStateSet.Contains(number)
            && _events.Facts(number) is { } facts
            && !_conflictedKeys.Contains((facts.Type, facts.StateKey))
            && _conflict.Unconflicted.Find(facts.Type, facts.StateKey) is not 0 and var unconflicted
            && unconflicted >= number)
        {
            Reach(unconflicted, _everyState);
        }
    }

    private void Reach(long number, BigInteger states)
    {
        var before = _reachedFrom.GetValueOrDefault(number);
        var after = before | states;
        if (after == before)
        {
            return;
        }

        _reachedFrom[number] = after;
        if (_toVisit.Add(number))
        {
            _waitingNotReachedFromAll += after == _everyState ? 0 : 1;
        }
        else if (after == _everyState)
        {
            _waitingNotReachedFromAll--;
        }

        if (after == _everyState)
        {
            _notReachedFromAll.Remove(number);
        }
    }
}
