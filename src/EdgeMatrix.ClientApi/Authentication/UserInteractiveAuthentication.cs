using System.Text.Json;
using EdgeMatrix.Accounts;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Protocol;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Authentication;

/// <summary>Asks for proofs before something grave is done: flows of stages, bound to one request of one user.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api</remarks>
public sealed class UserInteractiveAuthentication(UserAccounts accounts, EmailValidation emails, RandomSource random, TimeProvider time)
{
    private readonly InteractiveSessions _sessions = new(random, time);

    /// <summary>Asks for the requester's password; but not an application service, whose users have none.</summary>
    /// <remarks>
    /// "MUST NOT require User-Interactive Authentication when used by an application service". Spec:
    /// https://spec.matrix.org/v1.19/application-service-api/#device-management, https://spec.matrix.org/v1.19/application-service-api/#cross-signing
    /// </remarks>
    /// <returns>Null to go on, else the answer.</returns>
    internal async Task<IResult?> CheckPasswordAsync(HttpRequest request, JsonElement body, Requester requester) =>
        requester.AppService is not null ? null : (await CheckAccountAsync(request, body, requester)).Answer;

    /// <summary>As <see cref="CheckPasswordAsync"/>; without a requester, of whoever proves to have an account.</summary>
    /// <returns>The session with the account, or the answer.</returns>
    internal async Task<(InteractiveSession? Passed, IResult? Answer)> CheckAccountAsync(
        HttpRequest request, JsonElement body, Requester? requester)
    {
        var (passed, answer) = await CheckAsync(new InteractiveRequest(
            request,
            body,
            requester?.UserId,
            [[AuthenticationTypes.Password]],
            new() { [AuthenticationTypes.Password] = (given, session) => ProvePasswordAsync(given, session, request.HttpContext.RequestAborted) }));
        return passed?.Account is { Standing.Locked: true } ? (null, MatrixError.UserLocked()) : (passed, answer);
    }

    /// <summary>As <see cref="CheckAccountAsync"/>; an e-mail address of the account proves it as well, where this server sends mail.</summary>
    internal async Task<(InteractiveSession? Passed, IResult? Answer)> CheckAccountOrEmailAsync(
        HttpRequest request, JsonElement body, Requester? requester)
    {
        if (emails.Options is null)
        {
            return await CheckAccountAsync(request, body, requester);
        }

        var (passed, answer) = await CheckAsync(new InteractiveRequest(
            request,
            body,
            requester?.UserId,
            [[AuthenticationTypes.Password], [AuthenticationTypes.Email]],
            new()
            {
                [AuthenticationTypes.Password] = (given, session) => ProvePasswordAsync(given, session, request.HttpContext.RequestAborted),
                [AuthenticationTypes.Email] = (given, session) => ProveEmailAsync(given, session, requester),
            }));
        return passed?.Account is { Standing.Locked: true } ? (null, MatrixError.UserLocked()) : (passed, answer);
    }

    /// <summary>Judges <c>m.login.email.identity</c>: the address was proved for the purpose.</summary>
    internal StageRefusal? CheckEmail(AuthenticationData given, InteractiveSession session, EmailPurpose purpose)
    {
        if ((given.ThreepidCreds ?? given.OldThreepidCreds) is not { } credentials
            || emails.FindProved(purpose, credentials.Sid, credentials.ClientSecret) is not { } proved)
        {
            // What clients see while they wait for the user to read their mail.
            return new StageRefusal("M_UNAUTHORIZED", "The e-mail address is not validated: follow the link in the mail");
        }

        session.Email = proved;
        return null;
    }

    /// <returns>The session, ended, if every stage of a flow is passed; else the answer.</returns>
    internal async Task<(InteractiveSession? Passed, IResult? Answer)> CheckAsync(InteractiveRequest wanted)
    {
        var operation = wanted.Operation;
        if (!wanted.Body.TryGetProperty("auth", out var auth) || auth.ValueKind == JsonValueKind.Null)
        {
            return (null, Challenge(wanted, Begin(wanted, operation), null));
        }

        var (given, error) = auth.As(ClientApiJson.Default.AuthenticationData);
        if (given is null)
        {
            return (null, error);
        }

        // A session that is gone (the server was started anew) is no fault of the client: it gets another.
        var session = given.Session is null ? null : _sessions.Find(given.Session);
        if (session is not null && session.Operation != operation)
        {
            return (null, MatrixError.Forbidden("The session belongs to another request"));
        }

        if (session is null && given.Session is not null)
        {
            return (null, Challenge(wanted, Begin(wanted, operation), null));
        }

        session ??= Begin(wanted, operation);
        session.Registration = wanted.Registration;

        // "Completed stages cannot be retried by clients"
        if (given.Type is { } stage && !session.Completed.Contains(stage))
        {
            if (!session.IsNext(stage))
            {
                return (null, Challenge(wanted, session, new StageRefusal("M_UNRECOGNIZED", $"{stage} is not the next stage of a flow")));
            }

            if (await wanted.Proofs[stage](given, session) is { } refusal)
            {
                return (null, refusal.IsFinal ? MatrixError.Forbidden(refusal.Message) : Challenge(wanted, session, refusal));
            }

            session.Complete(stage);
        }

        return wanted.Flows.Any(flow => flow.All(session.Completed.Contains)) && _sessions.TryEnd(session)
            ? (session, null)
            : (null, Challenge(wanted, session, null));
    }

    /// <summary>The session that <c>auth</c> of a body names, ended or not; null if it names none that there is.</summary>
    internal InteractiveSession? SessionOf(JsonElement body) =>
        body.TryGetProperty("auth", out var auth)
        && auth.ValueKind == JsonValueKind.Object
        && auth.TryGetProperty("session", out var id)
        && id.ValueKind == JsonValueKind.String
            ? _sessions.FindAny(id.GetString()!)
            : null;

    /// <summary>How many registrations are under way that a registration token has let in.</summary>
    internal int PendingUses(string registrationToken) => _sessions.CountWith(registrationToken);

    /// <summary>The session that a client shows a page of ours for; null if there is none, or the stage is not its next.</summary>
    internal InteractiveSession? FindAt(string sessionId, string stage) =>
        _sessions.Find(sessionId) is { } session && (session.IsNext(stage) || session.Completed.Contains(stage)) ? session : null;

    /// <summary>Judges a password for the user of the session, or for whoever proves to have an account.</summary>
    internal async Task<StageRefusal?> ProvePasswordAsync(AuthenticationData given, InteractiveSession session, CancellationToken cancellationToken)
    {
        var name = given.Identifier is null && given.User is null
            ? session.UserId
            : LoginName.Of(given.Identifier, given.User, null, null, accounts);
        if (given.Password is null || name is null)
        {
            return StageRefusal.WrongPassword;
        }

        var account = await accounts.AuthenticateAsync(name, given.Password, cancellationToken);
        if (account is null)
        {
            return StageRefusal.WrongPassword;
        }

        // "If the request fails for a reason other than authentication, the server returns an error message in the standard format."
        if (session.UserId is not null && account.UserId != session.UserId)
        {
            return new StageRefusal("M_FORBIDDEN", "That is the password of another user") { IsFinal = true };
        }

        session.Account = account;
        return null;
    }

    private InteractiveSession Begin(InteractiveRequest wanted, InteractiveOperation operation)
    {
        var session = _sessions.Begin(operation, wanted.Flows, wanted.UserId);
        session.Registration = wanted.Registration;
        return session;
    }

    // One proof is good for one password: whoever finds the mail later finds it used.
    private async Task<StageRefusal?> ProveEmailAsync(AuthenticationData given, InteractiveSession session, Requester? requester)
    {
        if (CheckEmail(given, session, EmailPurpose.ResetPassword) is { } refusal)
        {
            return refusal;
        }

        var account = accounts.FindByEmail(session.Email!.Address);
        if (account is null or { IsDeactivated: true } || (requester is not null && account.User != requester.UserNid)
            || !await emails.TryEndAsync(session.Email))
        {
            return new StageRefusal("M_UNAUTHORIZED", "The e-mail address is none of the account");
        }

        session.Account = account;
        return null;
    }

    private static JsonText Challenge(InteractiveRequest wanted, InteractiveSession session, StageRefusal? failure) =>
        JsonText.Write(StatusCodes.Status401Unauthorized, json =>
        {
            json.WriteStartObject();
            if (failure is not null)
            {
                json.WriteString("errcode"u8, failure.Code);
                json.WriteString("error"u8, failure.Message);
            }

            json.WriteStartArray("completed"u8);
            foreach (var stage in session.Completed)
            {
                json.WriteStringValue(stage);
            }

            json.WriteEndArray();
            json.WriteStartArray("flows"u8);
            foreach (var flow in wanted.Flows)
            {
                json.WriteStartObject();
                json.WriteStartArray("stages"u8);
                foreach (var stage in flow)
                {
                    json.WriteStringValue(stage);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("params"u8);
            wanted.WriteParams?.Invoke(json);
            json.WriteEndObject();
            json.WriteString("session"u8, session.Id);
            json.WriteEndObject();
        });
}
