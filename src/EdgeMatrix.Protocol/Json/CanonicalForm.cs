namespace EdgeMatrix.Protocol.Json;

/// <summary>Which numbers have a canonical form: the one thing about canonical JSON that a room version decides.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#canonical-json</remarks>
public enum CanonicalForm
{
    /// <summary>"Servers MUST strictly enforce the JSON format": integers within ±(2^53 - 1), nothing else. Room versions 6 on.</summary>
    Strict,

    /// <summary>
    /// "Servers MUST NOT strictly enforce the JSON format": also integers of any size, fractions and exponents, written as
    /// <see cref="LenientNumber"/> has it. Room versions 1 to 5.
    /// </summary>
    Lenient,
}
