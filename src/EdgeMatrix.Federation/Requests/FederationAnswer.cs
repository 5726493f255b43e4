using System.Text.Json;

namespace EdgeMatrix.Federation.Requests;

/// <summary>Why another server gave no answer that can be used.</summary>
public enum FederationFailureKind
{
    /// <summary>This server talks to no others, or the name is its own.</summary>
    NotAsked,

    /// <summary>It did not answer before, and is left alone for a while.</summary>
    BackingOff,

    /// <summary>No such server, no connection, a certificate that does not hold, or no answer in time.</summary>
    Unreachable,

    /// <summary>It answered that something is wrong with it (5xx), or that it is asked too often (429).</summary>
    Unwell,

    /// <summary>It answered with an error of the request's (4xx).</summary>
    Refused,

    /// <summary>What it answered is no JSON object, or too large.</summary>
    Malformed,
}

/// <param name="Status">Of the answer; 0 if there was none.</param>
/// <param name="Code">The <c>errcode</c>; null if it gave none.</param>
/// <param name="Message">What went wrong, in words that may go to a user.</param>
public sealed record FederationFailure(FederationFailureKind Kind, int Status, string? Code, string Message)
{
    /// <summary>The error body of a refusal, for the codes that bring fields of their own.</summary>
    public JsonElement? Json { get; init; }

    /// <summary>Whether the server knows nothing of what was asked for: a 404, or an older server that does not know the endpoint.</summary>
    public bool IsNotFound => Status == 404;

    /// <summary>Whether the server does not know the endpoint.</summary>
    public bool IsUnrecognized => Code == "M_UNRECOGNIZED" && Status is 404 or 405;
}

/// <summary>The answer of another server, or why there is none: exactly one of the two.</summary>
/// <param name="Json">An object; its strings can be read safely, its numbers are as they came.</param>
public readonly record struct FederationAnswer(JsonElement? Json, FederationFailure? Failure)
{
    internal static FederationAnswer Of(JsonElement json) => new(json, null);

    internal static FederationAnswer Fail(FederationFailure failure) => new(null, failure);
}
