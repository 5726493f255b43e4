namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>What the states agree on: the unconflicted state map, which is asked and never copied.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#definitions</remarks>
public interface IUnconflictedState
{
    /// <summary>The number of the event of a key; 0 if there is none. It is not asked about a key in conflict.</summary>
    long Find(string type, string stateKey);

    /// <summary>
    /// Those unconflicted events that have a greater number; may hold others too. Asked at most once a resolution, where some event is
    /// in the auth chain of an event in conflict and may be in that of an unconflicted one: only a later event can have it there.
    /// </summary>
    IEnumerable<long> After(long number);
}
