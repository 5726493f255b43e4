using System.Text;
using EdgeMatrix.Accounts.Registration;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Authentication.Pages;

/// <summary>Stages of user-interactive authentication as pages, for clients that do not know them.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#fallback</remarks>
internal static class StagePage
{
    private const int MaxFormBytes = 4_096;
    private const string Done = "<p>That is done. Go back to where you came from.</p>";

    // "This page must use the following JavaScript when the authentication has been completed"
    private const string DoneScript =
        "if (window.onAuthDone) { window.onAuthDone(); } else if (window.opener && window.opener.postMessage) { window.opener.postMessage(\"authDone\", \"*\"); }";

    /// <summary><c>GET /_matrix/client/v3/auth/{authType}/fallback/web</c></summary>
    public static IResult Get(string authType, HttpRequest request, UserInteractiveAuthentication authentication, ClientApiOptions options)
    {
        if (Form(authType, options) is null)
        {
            return MatrixError.Unrecognized();
        }

        return authentication.FindAt(request.QueryText("session") ?? "", authType) is { } session
            ? session.Completed.Contains(authType) ? new HtmlPage("Done", Done, DoneScript) : Ask(authType, options, null)
            : NoSession();
    }

    /// <summary><c>POST /_matrix/client/v3/auth/{authType}/fallback/web</c>: the form of that page.</summary>
    public static async Task<IResult> Post(
        string authType, HttpRequest request, UserInteractiveAuthentication authentication, RegistrationTokens tokens, ClientApiOptions options)
    {
        if (Form(authType, options) is null)
        {
            return MatrixError.Unrecognized();
        }

        var (body, error) = await request.ReadBytesAsync(MaxFormBytes);
        if (body is null)
        {
            return error!;
        }

        if (authentication.FindAt(request.QueryText("session") ?? "", authType) is not { } session)
        {
            return NoSession();
        }

        if (!session.Completed.Contains(authType))
        {
            var form = Encoding.UTF8.GetString(body);
            var given = new AuthenticationData(authType, session.Id, User: Field(form, "user"), Password: Field(form, "password")) { Token = Field(form, "token") };
            var refusal = authType switch
            {
                AuthenticationTypes.RegistrationToken => RegistrationFlows.CheckToken(given, session, tokens),
                AuthenticationTypes.Password => await authentication.ProvePasswordAsync(given, session, request.HttpContext.RequestAborted),
                _ => null,
            };
            if (refusal is not null)
            {
                return Ask(authType, options, refusal.Message);
            }

            session.Complete(authType);
        }

        return new HtmlPage("Done", Done, DoneScript);
    }

    private static HtmlPage Ask(string authType, ClientApiOptions options, string? problem) => new(
        "Go on",
        $"{(problem is null ? "" : $"<p role=\"alert\">{HtmlPage.Encode(problem)}</p>")}<form method=\"post\">{Form(authType, options)}<p><button>Go on</button></p></form>",
        script: null,
        problem is null ? StatusCodes.Status200OK : StatusCodes.Status401Unauthorized);

    private static HtmlPage NoSession() =>
        new("Begin again", "<p>What you were doing took too long, or is done already. Begin again where you came from.</p>", null, StatusCodes.Status404NotFound);

    /// <summary>What a stage asks for; null for a stage that there is no page for.</summary>
    private static string? Form(string authType, ClientApiOptions options) => authType switch
    {
        AuthenticationTypes.Dummy => "",
        AuthenticationTypes.RegistrationToken => """<p><label>Registration token<br><input name="token" required autofocus></label></p>""",
        AuthenticationTypes.Password => """
            <p><label>User name<br><input name="user" autocomplete="username" required autofocus></label></p>
            <p><label>Password<br><input name="password" type="password" autocomplete="current-password" required></label></p>
            """,
        AuthenticationTypes.Terms => $"<p>By going on you accept:</p><ul>{string.Concat(options.Terms.Select(Link))}</ul>",
        _ => null,
    };

    private static string Link(TermsPolicy terms) =>
        $"<li><a href=\"{HtmlPage.Encode(terms.Url)}\" target=\"_blank\" rel=\"noopener noreferrer\">{HtmlPage.Encode(terms.Name)}</a></li>";

    /// <summary>A field of <c>application/x-www-form-urlencoded</c>; null if it is not there.</summary>
    private static string? Field(string form, string name)
    {
        foreach (var pair in form.Split('&'))
        {
            if (pair.StartsWith(name + "=", StringComparison.Ordinal))
            {
                return Uri.UnescapeDataString(pair[(name.Length + 1)..].Replace('+', ' '));
            }
        }

        return null;
    }
}
