namespace EdgeMatrix.Protocol.Signing;

/// <summary>What is wrong with an end-to-end key that somebody uploads.</summary>
public enum KeyFault
{
    None,

    /// <summary>It is not of the shape that the specification gives it: <c>M_BAD_JSON</c>.</summary>
    Malformed,

    /// <summary>It says that it is of another user or device: <c>M_INVALID_PARAM</c>.</summary>
    NotTheOwners,

    /// <summary>It differs from the key that is to be signed: <c>M_INVALID_PARAM</c>.</summary>
    Different,

    /// <summary>A signature that it needs is missing or wrong: <c>M_INVALID_SIGNATURE</c>.</summary>
    InvalidSignature,
}

/// <summary>Whether an end-to-end key may be taken, or why not.</summary>
/// <param name="Refusal">What is wrong, in words that may go to whoever sent it; null if nothing is.</param>
public readonly record struct KeyVerdict(KeyFault Fault, string? Refusal)
{
    public bool IsValid => Fault == KeyFault.None;

    internal static KeyVerdict Valid => default;

    internal static KeyVerdict Malformed(string refusal) => new(KeyFault.Malformed, refusal);

    internal static KeyVerdict NotTheOwners(string refusal) => new(KeyFault.NotTheOwners, refusal);

    internal static KeyVerdict InvalidSignature(string refusal) => new(KeyFault.InvalidSignature, refusal);
}
