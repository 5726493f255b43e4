namespace EdgeMatrix.Rooms.Policy;

/// <summary>What this server as a policy server refuses to sign, besides events that do not hold.</summary>
public sealed record PolicyRules
{
    /// <summary>Whether this server is one for rooms that name it.</summary>
    public bool Enabled { get; init; }

    /// <summary>Patterns with <c>*</c> and <c>?</c>; a text that one matches in any place is refused.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>How many users an event may mention; null: any number.</summary>
    public int? MaxMentions { get; init; }

    /// <summary>Ids of rooms with moderation policies that users of this server are in: who is banned there is refused.</summary>
    public IReadOnlyList<string> Lists { get; init; } = [];
}
