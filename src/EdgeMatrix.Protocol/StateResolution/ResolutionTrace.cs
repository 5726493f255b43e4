using EdgeMatrix.Protocol.Auth;

namespace EdgeMatrix.Protocol.StateResolution;

/// <summary>
/// Every step of one resolution, for whoever wants to know why the state is as it is. The names are the specification's; what an
/// algorithm does not have stays empty. Events are numbers of the <see cref="IEventSource"/>.
/// </summary>
public sealed class ResolutionTrace
{
    /// <summary>V2 on: oldest first.</summary>
    public IReadOnlyList<long> ConflictedStateSet { get; internal set; } = [];

    /// <summary>V2 on: oldest first.</summary>
    public IReadOnlyList<long> AuthDifference { get; internal set; } = [];

    /// <summary>V2.1: oldest first.</summary>
    public IReadOnlyList<long> ConflictedStateSubgraph { get; internal set; } = [];

    /// <summary>V2 on: oldest first, without what is <see cref="Ignored"/>.</summary>
    public IReadOnlyList<long> FullConflictedSet { get; internal set; } = [];

    /// <summary>Events that no state can have: missing, of another room, or no state events.</summary>
    public IReadOnlyList<long> Ignored { get; internal set; } = [];

    /// <summary>V2 on: the power events and those of their auth chains, in the reverse topological power ordering.</summary>
    public IReadOnlyList<OrderedByPower> PowerEvents { get; internal set; } = [];

    /// <summary>V2 on: what the partially resolved state has beyond, or instead of, what it started from.</summary>
    public IReadOnlyList<ResolvedEntry> PartiallyResolved { get; internal set; } = [];

    /// <summary>V2 on: the mainline of the power levels in the partially resolved state, latest first, as far down as was needed.</summary>
    public IReadOnlyList<long> Mainline { get; internal set; } = [];

    /// <summary>V2 on: the remaining events in the mainline ordering.</summary>
    public IReadOnlyList<OrderedByMainline> RemainingEvents { get; internal set; } = [];

    /// <summary>Every authorisation check in its order. The state after one is the one before it, with the event set if it was allowed.</summary>
    public IReadOnlyList<ResolutionCheck> Checks => Recorded;

    /// <summary>The outcome, as <see cref="StateResolver"/> returns it.</summary>
    public IReadOnlyList<ResolvedEntry> Resolved { get; internal set; } = [];

    internal List<ResolutionCheck> Recorded { get; } = [];
}

/// <param name="SenderLevel">By the power levels among the event's auth events.</param>
public readonly record struct OrderedByPower(long Number, long SenderLevel, long OriginServerTs);

/// <param name="Position">How many power levels events of the mainline are later; null if the event rests on none of them.</param>
public readonly record struct OrderedByMainline(long Number, int? Position, long OriginServerTs);

/// <param name="Verdict">Null where the algorithm takes an event without asking.</param>
public readonly record struct ResolutionCheck(ResolutionStep Step, long Number, AuthVerdict? Verdict);

/// <summary>In which part of the algorithm an event was checked.</summary>
public enum ResolutionStep
{
    /// <summary>V2 on: step 2. V1 has no such step.</summary>
    PowerEvents,

    /// <summary>V2 on: step 4.</summary>
    RemainingEvents,

    /// <summary>V1: conflicts between <c>m.room.power_levels</c> events.</summary>
    PowerLevelsConflict,

    /// <summary>V1: conflicts between <c>m.room.join_rules</c> events.</summary>
    JoinRulesConflict,

    /// <summary>V1: conflicts between <c>m.room.member</c> events.</summary>
    MemberConflict,

    /// <summary>V1: all other conflicts.</summary>
    OtherConflict,
}
