namespace EdgeMatrix.Protocol.Events;

/// <summary>How large an event may be.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#size-limits</remarks>
public static class EventLimits
{
    /// <summary>The whole event in canonical JSON, signatures included, <c>unsigned</c> not.</summary>
    public const int MaxEventBytes = 65_536;

    /// <summary>Of <c>type</c>, of <c>state_key</c>, and of every identifier, in UTF-8.</summary>
    public const int MaxFieldBytes = 255;

    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v10/#event-format-1</remarks>
    public const int MaxPrevEvents = 20;

    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v10/#event-format-1</remarks>
    public const int MaxAuthEvents = 10;

    /// <remarks>MSC4242: https://github.com/matrix-org/matrix-spec-proposals/pull/4242</remarks>
    public const int MaxPrevStateEvents = 20;
}
