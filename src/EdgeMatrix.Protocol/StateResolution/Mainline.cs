namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>
/// "Starting with i = 0, repeatedly fetch P_(i+1), the m.room.power_levels event in the auth_events of P_i. … The mainline of P_0 is the list
/// of events [P_0, P_1, ..., P_n], fetched in this way."
/// </summary>
/// <remarks>
/// It is fetched only as far down as the events to be ordered reach: auth events have lower numbers, so what has a lower number than the
/// latest fetched is not in the mainline above it.
/// <para>Spec: https://spec.matrix.org/v1.19/rooms/v12/#definitions</para>
/// </remarks>
internal sealed class Mainline
{
    /// <summary>"where ∞ is a sentinel value greater than any integer"</summary>
    private const int Infinity = int.MaxValue;

    private readonly RoomEvents _events;
    private readonly List<long> _fetched = [];
    private long _next;

    // Of every power levels event that was met, its own position if it is in the mainline, else that of the one it leads to.
    private readonly Dictionary<long, int> _positions = [];

    /// <param name="powerLevels">0 if the partially resolved state has none: the mainline is empty then.</param>
    public Mainline(long powerLevels, RoomEvents events)
    {
        _events = events;
        _next = powerLevels;
    }

    /// <summary>P_0 first, as far as it was fetched.</summary>
    public IReadOnlyList<long> Fetched => _fetched;

    /// <summary>The mainline ordering based on P_0, "from smallest to largest".</summary>
    /// <param name="remaining">None of them without facts.</param>
    public List<OrderedByMainline> Sort(IEnumerable<long> remaining)
    {
        var ranked = new List<(int Position, EventFacts Facts)>();
        foreach (var number in remaining)
        {
            ranked.Add((PositionOf(number), _events.Facts(number)!));
        }

        // "for events x and y, x < y if the mainline position of x is greater than the mainline position of y …; or the mainline positions of
        // the events are the same, but x's origin_server_ts is less than y's origin_server_ts; or the mainline positions of the events are
        // the same and the events have the same origin_server_ts, but x's event_id is less than y's event_id."
        ranked.Sort(static (x, y) =>
        {
            var byPosition = y.Position.CompareTo(x.Position);
            var byTime = byPosition != 0 ? byPosition : x.Facts.OriginServerTs.CompareTo(y.Facts.OriginServerTs);
            return byTime != 0 ? byTime : EventIdOrder.Compare(x.Facts.EventId, y.Facts.EventId);
        });
        return ranked.ConvertAll(static event_ => new OrderedByMainline(
            event_.Facts.Number, event_.Position == Infinity ? null : event_.Position, event_.Facts.OriginServerTs));
    }

    // "Find the smallest index j ≥ 1 for which e_j belongs to the mainline of P. If such a j exists, then e_j = P_i for some unique index
    // i ≥ 0. Otherwise set i = ∞ … In both cases, the mainline position of e is i."
    private int PositionOf(long number)
    {
        var passed = new List<long>();
        var position = Infinity;
        for (var e = _events.PowerLevelsOf(number); e != 0; e = _events.PowerLevelsOf(e))
        {
            FetchDownTo(e);
            if (_positions.TryGetValue(e, out position))
            {
                break;
            }

            position = Infinity;
            passed.Add(e);
            if (EndsAbove(e))
            {
                break;
            }
        }

        foreach (var e in passed)
        {
            _positions.Add(e, position);
        }

        return position;
    }

    private bool EndsAbove(long number) => _next == 0 && (_fetched.Count == 0 || number < _fetched[^1]);

    private void FetchDownTo(long number)
    {
        while (_next >= number && _next != 0)
        {
            _positions.Add(_next, _fetched.Count);
            _fetched.Add(_next);
            _next = _events.PowerLevelsOf(_next);
        }
    }
}
