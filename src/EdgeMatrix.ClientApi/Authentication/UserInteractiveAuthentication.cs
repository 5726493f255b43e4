using System.Text;
using System.Text.Json;
using EdgeMatrix.Accounts;
using EdgeMatrix.Protocol;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>Asks for a proof before something grave is done: each operation has one flow of one stage.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api</remarks>
public sealed class UserInteractiveAuthentication(UserAccounts accounts, RandomSource random, TimeProvider time)
{
    private readonly InteractiveSessions _sessions = new(random, time);

    /// <summary>Asks for <c>m.login.dummy</c>: nothing to prove, but the steps are those of any flow.</summary>
    /// <remarks>The body may change between the steps: clients ask for the flows before the user has chosen a name.</remarks>
    /// <returns>Null to go on, else the answer.</returns>
    internal Task<IResult?> CheckDummyAsync(HttpRequest request, JsonElement body) =>
        CheckAsync(request, body, AuthenticationTypes.Dummy, null, "", _ => Task.FromResult(true));

    /// <summary>Asks for the requester's password.</summary>
    /// <returns>Null to go on, else the answer.</returns>
    internal Task<IResult?> CheckPasswordAsync(HttpRequest request, JsonElement body, Requester requester) =>
        CheckAsync(request, body, AuthenticationTypes.Password, requester, WithoutAuth(body), async given =>
        {
            if (given.Identifier is { Type: not UserIdentifier.MatrixId } || given.Password is null)
            {
                return false;
            }

            var name = given.Identifier?.User ?? given.User ?? requester.UserId;
            var account = await accounts.AuthenticateAsync(name, given.Password, request.HttpContext.RequestAborted);
            return account?.User == requester.UserNid;
        });

    private async Task<IResult?> CheckAsync(
        HttpRequest request, JsonElement body, string stage, Requester? requester, string boundBody, Func<AuthenticationData, Task<bool>> prove)
    {
        var operation = InteractiveOperation.Of(request.Method, request.Path.Value ?? "", requester?.UserId, boundBody);
        if (!body.TryGetProperty("auth", out var auth) || auth.ValueKind == JsonValueKind.Null)
        {
            return Challenge(stage, _sessions.Begin(operation), null);
        }

        var (given, error) = auth.As(ClientApiJson.Default.AuthenticationData);
        if (given is null)
        {
            return error;
        }

        // A session that is gone (the server was started anew) is no fault of the client: it gets another.
        var known = given.Session is null ? null : _sessions.Find(given.Session);
        if (known is not null && known != operation)
        {
            return MatrixError.Forbidden("The session belongs to another request");
        }

        var session = known is null ? null : given.Session;
        if (given.Type is null || (known is null && given.Session is not null))
        {
            return Challenge(stage, session ?? _sessions.Begin(operation), null);
        }

        if (given.Type != stage)
        {
            return Challenge(stage, session ?? _sessions.Begin(operation), ("M_UNRECOGNIZED", $"{given.Type} is no stage of this flow"));
        }

        if (!await prove(given))
        {
            return Challenge(stage, session ?? _sessions.Begin(operation), ("M_FORBIDDEN", "Wrong user name or password"));
        }

        if (session is not null)
        {
            _sessions.End(session);
        }

        return null;
    }

    private static JsonText Challenge(string stage, string session, (string Code, string Message)? failure) =>
        JsonText.Write(StatusCodes.Status401Unauthorized, json =>
        {
            json.WriteStartObject();
            if (failure is { } failed)
            {
                json.WriteString("errcode"u8, failed.Code);
                json.WriteString("error"u8, failed.Message);
            }

            json.WriteStartArray("completed"u8);
            json.WriteEndArray();
            json.WriteStartArray("flows"u8);
            json.WriteStartObject();
            json.WriteStartArray("stages"u8);
            json.WriteStringValue(stage);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteStartObject("params"u8);
            json.WriteEndObject();
            json.WriteString("session"u8, session);
            json.WriteEndObject();
        });

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
