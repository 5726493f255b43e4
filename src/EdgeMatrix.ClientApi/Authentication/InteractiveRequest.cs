using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>Judges what a client gives for a stage, and notes in the session what it has proved.</summary>
/// <returns>Null if the stage is passed.</returns>
internal delegate Task<StageRefusal?> StageProof(AuthenticationData given, InteractiveSession session);

/// <summary>Why a stage is not passed; the client may try again, unless it is final.</summary>
internal sealed record StageRefusal(string Code, string Message)
{
    /// <summary>It has nothing to do with what was typed: the request itself is refused, with 403.</summary>
    public bool IsFinal { get; init; }

    /// <summary>One answer for whatever is wrong with a name and its password.</summary>
    public static StageRefusal WrongPassword { get; } = new("M_FORBIDDEN", "Wrong user name or password");
}

/// <summary>A request that must be authenticated, and the ways to do so.</summary>
/// <param name="UserId">Whose access token it bears; null for none.</param>
/// <param name="Flows">Each a list of stages, to be passed in their order.</param>
/// <param name="Proofs">How each stage of the flows is judged.</param>
internal sealed record InteractiveRequest(
    HttpRequest Request, JsonElement Body, string? UserId, string[][] Flows, Dictionary<string, StageProof> Proofs)
{
    /// <summary>The body may be another each time: clients ask for the flows before the user has chosen a name.</summary>
    public bool BodyMayChange { get; init; }

    /// <summary>Writes what clients must know for some stages, as members of <c>params</c>.</summary>
    public Action<Utf8JsonWriter>? WriteParams { get; init; }

    /// <summary>What a new account is to be, to be remembered by the session that this begins; null for other operations.</summary>
    public RegisterRequest? Registration { get; init; }

    public InteractiveOperation Operation => OperationWith(BodyMayChange ? "" : WithoutAuth(Body));

    /// <summary>The operation as it was asked for just now, where its body may change.</summary>
    public InteractiveOperation Attempt => OperationWith(WithoutAuth(Body));

    private InteractiveOperation OperationWith(string body) => InteractiveOperation.Of(Request.Method, Request.Path.Value ?? "", UserId, body);

    /// <summary>The body as it must come again, whatever the order of its keys.</summary>
    private static string WithoutAuth(JsonElement body)
    {
        var text = new StringBuilder();
        foreach (var property in body.EnumerateObject().Where(p => p.Name != "auth").OrderBy(p => p.Name, StringComparer.Ordinal))
        {
            text.Append(property.Name).Append('\0').Append(property.Value.GetRawText()).Append('\0');
        }

        return text.ToString();
    }
}
