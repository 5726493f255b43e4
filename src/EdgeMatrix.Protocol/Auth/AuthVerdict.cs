namespace EdgeMatrix.Protocol.Auth;

/// <summary>Allowed, or rejected with the rule that refused. A value, not an exception: peers send bad events all day.</summary>
/// <param name="Refusal">The rule, in plain words; null if the event is allowed.</param>
public readonly record struct AuthVerdict(string? Refusal)
{
    public static AuthVerdict Allow => default;

    public bool Allowed => Refusal is null;

    public static AuthVerdict Reject(string rule) => new(rule);
}
