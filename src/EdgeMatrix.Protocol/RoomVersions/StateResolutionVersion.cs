using System.Diagnostics.CodeAnalysis;

namespace EdgeMatrix.Protocol.RoomVersions;

/// <summary>By which algorithm the states of a room become one.</summary>
public enum StateResolutionVersion
{
    /// <summary>By depth and the hash of the event id: version 1 only.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v1/#state-resolution</remarks>
    V1,

    /// <summary>By the authorisation of the events in conflict: versions 2 to 11.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v2/#state-resolution</remarks>
    V2,

    /// <summary>V2 from an empty state, with the events between those in conflict: since version 12.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v12/#state-resolution</remarks>
    [SuppressMessage("Naming", "CA1707", Justification = "It is version 2.1, and V21 would be the twenty-first.")]
    V2_1,
}
