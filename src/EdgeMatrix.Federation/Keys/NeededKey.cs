using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;

namespace EdgeMatrix.Federation.Keys;

/// <summary>A key that a signature names.</summary>
/// <param name="ValidUntilTs">Until when it must be valid at least, ms since the Unix epoch; 0: that is not asked.</param>
public readonly record struct NeededKey(string Server, string KeyId, long ValidUntilTs)
{
    // A server signs with one key, or two while it changes them; who names more of them makes us fetch no more.
    private const int MostOfSigner = 4;

    /// <summary>The keys without which the signatures of an event cannot be checked.</summary>
    public static IEnumerable<NeededKey> Of(Pdu candidate) => EventAuth.RequiredSigners(candidate)
        .SelectMany(signer => EventSignatures.KeyIdsOf(candidate, signer)
            .Where(KeyIds.IsEd25519)
            .Take(MostOfSigner)
            .Select(keyId => new NeededKey(signer, keyId, candidate.Version.EnforcesKeyValidity ? candidate.OriginServerTs : 0)));

    /// <summary>Whether a key that is known is as good as one that would be fetched.</summary>
    internal bool IsMetBy(VerifyKey? key) => key is not null && (key.IsOld || key.UntilTs >= ValidUntilTs);
}
