namespace EdgeMatrix.Protocol.Signing;

/// <summary>Signing key identifiers: an algorithm, a colon, a version.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#signing-details</remarks>
public static class KeyIds
{
    /// <summary>The one algorithm that the specification knows, with its colon.</summary>
    public const string Ed25519Prefix = "ed25519:";

    /// <summary>Whether a signature under this key id is one that we can check.</summary>
    public static bool IsEd25519(string keyId) => keyId.StartsWith(Ed25519Prefix, StringComparison.Ordinal);
}
