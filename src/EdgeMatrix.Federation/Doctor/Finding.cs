namespace EdgeMatrix.Federation.Doctor;

public enum FindingKind
{
    Good,

    /// <summary>Nothing is broken, but it is worth knowing.</summary>
    Remark,

    /// <summary>Other servers or clients are kept from this server by it.</summary>
    Fault,
}

/// <param name="Text">What was found.</param>
/// <param name="Mend">What to do about it; null where there is nothing to do.</param>
public sealed record Finding(FindingKind Kind, string Text, string? Mend = null)
{
    internal static Finding Good(string text) => new(FindingKind.Good, text);

    internal static Finding Remark(string text, string? mend = null) => new(FindingKind.Remark, text, mend);

    internal static Finding Fault(string text, string mend) => new(FindingKind.Fault, text, mend);
}
