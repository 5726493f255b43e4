using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.StateResolution;

namespace EdgeMatrix.Protocol.Tests.StateResolution.Differential;

/// <summary>Events numbered in the order in which they were added, auth events first; some of them rejected, some of them lost.</summary>
internal sealed class ListedEvents : IEventSource
{
    private readonly List<Pdu> _events = [];
    private readonly List<long[]> _authEvents = [];
    private readonly Dictionary<string, long> _numbers = [];

    public HashSet<string> Rejected { get; } = [];

    public HashSet<string> Lost { get; } = [];

    public IReadOnlyList<Pdu> All => _events;

    /// <summary>How often an event was asked for.</summary>
    public int Loads { get; private set; }

    /// <summary>How often the auth events of one were asked for.</summary>
    public int AuthEventLookups { get; private set; }

    public Pdu this[string eventId] => _events[(int)_numbers[eventId] - 1];

    public void Add(Pdu pdu)
    {
        _authEvents.Add([.. pdu.AuthEvents.Select(NumberOf).Where(static number => number != 0)]);
        _events.Add(pdu);
        _numbers.Add(pdu.EventId, _events.Count);
    }

    public string IdOf(long number) => _events[(int)number - 1].EventId;

    public long NumberOf(string eventId) => _numbers.GetValueOrDefault(eventId);

    public ReadOnlySpan<long> AuthEventsOf(long number)
    {
        AuthEventLookups++;
        return Lost.Count > 0 && Lost.Contains(IdOf(number)) ? [] : _authEvents[(int)number - 1];
    }

    public Pdu? Find(long number)
    {
        Loads++;
        return Lost.Count > 0 && Lost.Contains(IdOf(number)) ? null : _events[(int)number - 1];
    }

    public bool IsRejected(long number) => Rejected.Count > 0 && Rejected.Contains(IdOf(number));
}
