namespace EdgeMatrix.Protocol.Events;

/// <summary>An event that has the format of its room version, or why there is none: exactly one of the two.</summary>
/// <param name="Refusal">What is wrong, in words that may go to whoever sent it.</param>
public readonly record struct PduParse(Pdu? Event, string? Refusal)
{
    /// <summary>Whether it was refused for its size alone.</summary>
    public bool TooLarge { get; private init; }

    internal static PduParse Accept(Pdu accepted) => new(accepted, null);

    internal static PduParse Refuse(string refusal) => new(null, refusal);

    internal static PduParse RefuseSize(string refusal) => new(null, refusal) { TooLarge = true };
}
