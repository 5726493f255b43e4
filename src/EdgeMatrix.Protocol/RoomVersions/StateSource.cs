namespace EdgeMatrix.Protocol.RoomVersions;

/// <summary>Which links of an event lead to the state before it, and what authorises it.</summary>
public enum StateSource
{
    /// <summary>
    /// The states after the <c>prev_events</c>; beside them the event cites, in <c>auth_events</c>, what authorises it. All stable
    /// versions.
    /// </summary>
    PrevEvents,

    /// <summary>
    /// The states after the <c>prev_state_events</c>, all of them state events down to the create event. There is no
    /// <c>auth_events</c>: they are selected from that state.
    /// </summary>
    /// <remarks>MSC4242: https://github.com/matrix-org/matrix-spec-proposals/pull/4242</remarks>
    PrevStateEvents,
}
