using EdgeMatrix.Protocol.Events;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>
/// The events of a room by local numbers from 1 up, 0 meaning no event. An event has a greater number than each of its auth events,
/// whatever its <c>depth</c> claims: a store that appends auth events first has such numbers by itself.
/// </summary>
/// <remarks>
/// It is asked for little: for the auth events of those that the states do not share, and for whole events only where one is ordered
/// or checked.
/// </remarks>
public interface IEventSource
{
    /// <summary>0 if the event is not known.</summary>
    long NumberOf(string eventId);

    /// <summary>Those of the event's <c>auth_events</c> that are known, all of lower numbers; none for an event that is not known.</summary>
    ReadOnlySpan<long> AuthEventsOf(long number);

    /// <summary>Null if the event is not here; resolution then goes on as if no state had it.</summary>
    Pdu? Find(long number);

    /// <summary>Whether the event was rejected on receipt, on account of the state before it.</summary>
    bool IsRejected(long number);
}
