using EdgeMatrix.Protocol.Signing;

namespace EdgeMatrix.Rooms;

/// <summary>This homeserver: its name and the key it signs with.</summary>
public sealed record LocalServer(string Name, SigningKey Key)
{
    /// <summary>Whether a user or alias, given whole, belongs to this server.</summary>
    public bool Owns(string identifier) => identifier.AsSpan(identifier.IndexOf(':') + 1).SequenceEqual(Name);
}
