namespace EdgeMatrix.Protocol.Signing;

/// <summary>What came of checking the signatures that something needs.</summary>
public enum SignatureStatus
{
    /// <summary>Every signer that is needed signed, and rightly.</summary>
    Valid,

    /// <summary>A signer has no signature of an algorithm that we know.</summary>
    NotSigned,

    /// <summary>A signer's key is not known: whoever can fetch it may ask again.</summary>
    MissingKey,

    /// <summary>A signer's keys are known, and none was valid at that time; perhaps a newer answer of its server says otherwise.</summary>
    ExpiredKey,

    /// <summary>A known and valid key of a signer did not make the signature that stands under its id.</summary>
    WrongSignature,
}

/// <summary>Whether the signatures that something needs are there; if not, whose is at fault.</summary>
/// <param name="Signer">The server, or the user, whose signature is at fault; null if none is.</param>
/// <param name="KeyId">The key at fault; null if no signature names one.</param>
public readonly record struct SignatureVerdict(SignatureStatus Status, string? Signer, string? KeyId)
{
    public static SignatureVerdict Valid => default;

    public bool IsValid => Status == SignatureStatus.Valid;

    public override string ToString() => IsValid ? "valid" : $"{Status} of {Signer} {KeyId}";
}
