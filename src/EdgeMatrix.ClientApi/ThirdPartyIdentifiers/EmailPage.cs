using System.Net;
using System.Text;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace EdgeMatrix.ClientApi.ThirdPartyIdentifiers;

/// <summary>The page that the link in a mail leads to, and the endpoint behind it, which clients may use themselves.</summary>
/// <remarks>
/// Opening the page proves nothing: what scans mails opens links, and only people press buttons. Whoever sends JSON is answered in JSON, as
/// https://spec.matrix.org/v1.19/identity-service-api/#post_matrixidentityv2validateemailsubmittoken has it.
/// </remarks>
internal static class EmailPage
{
    private const int MaxBodyBytes = 8 * 1024;

    /// <summary><c>GET …/email/submit_token</c></summary>
    public static IResult Get(HttpRequest request, EmailValidation emails, LocalServer server)
    {
        if (emails.Options is null)
        {
            return MatrixError.Unrecognized();
        }

        var fields = string.Concat(((ReadOnlySpan<string>)["sid", "client_secret", "token"]).ToArray()
            .Select(name => $"<input type=\"hidden\" name=\"{name}\" value=\"{Escape(request.QueryText(name) ?? "")}\">"));
        return HtmlPage.Of(200, "Confirm your e-mail address", $"""
            <p>Did you ask {Escape(server.Name)} for this?</p>
            <form method="post" action="?">{fields}<button>Yes, this is my address</button></form>
            <p>If not, close this page: nothing has happened.</p>
            """);
    }

    /// <summary><c>POST …/email/submit_token</c></summary>
    public static async Task<IResult> Submit(HttpRequest request, EmailValidation emails)
    {
        if (emails.Options is not { } options)
        {
            return MatrixError.Unrecognized();
        }

        if (request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) is not true)
        {
            return await SubmitJsonAsync(request, emails);
        }

        using var reader = new FormReader(request.Body) { ValueCountLimit = 8, KeyLengthLimit = 64, ValueLengthLimit = 512 };
        Dictionary<string, Microsoft.Extensions.Primitives.StringValues> form;
        try
        {
            form = await reader.ReadFormAsync(request.HttpContext.RequestAborted);
        }
        catch (InvalidDataException)
        {
            return MatrixError.BadRequest("The form is too long");
        }

        var session = await emails.ValidateAsync(Field("sid"), Field("client_secret"), Field("token"));
        return session is null
            ? HtmlPage.Of(400, "That did not work", "<p>The link is too old, or there is a newer mail: use the link in the newest one, or ask for another.</p>")
            : Done(session, options);

        string Field(string name) => form.TryGetValue(name, out var values) ? values.ToString() : "";
    }

    private static async Task<IResult> SubmitJsonAsync(HttpRequest request, EmailValidation emails)
    {
        var (body, error) = await request.ReadObjectAsync(MaxBodyBytes);
        if (error is not null)
        {
            return error;
        }

        if (JsonContent.Text(body, "sid") is not { } sid || JsonContent.Text(body, "client_secret") is not { } secret
            || JsonContent.Text(body, "token") is not { } token)
        {
            return MatrixError.MissingParam("sid, client_secret or token");
        }

        return await emails.ValidateAsync(sid, secret, token) is null
            ? new MatrixError(400, "M_NO_VALID_SESSION", "There is no such session, or the token is not that of its newest mail")
            : JsonText.Write(json =>
            {
                json.WriteStartObject();
                json.WriteBoolean("success"u8, true);
                json.WriteEndObject();
            });
    }

    private static HtmlPage Done(EmailSessionRow session, EmailOptions options)
    {
        const string Heading = "Your e-mail address is confirmed";
        if (session.NextLink is null || !Uri.TryCreate(session.NextLink, UriKind.Absolute, out var next))
        {
            return HtmlPage.Of(200, Heading, "<p>Go back to where you began.</p>");
        }

        // Where anybody could name the place, the user shall see it before they go.
        var page = HtmlPage.Of(
            200, Heading, $"<p><a rel=\"noreferrer\" href=\"{Escape(next.AbsoluteUri)}\">Go on to {Escape(next.IdnHost)}</a></p>");
        return options.NextLinks.Count > 0 ? page.ThenTo(next) : page;
    }

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}

/// <summary>A page for people: without scripts, pictures or anything from elsewhere.</summary>
internal sealed class HtmlPage : IResult
{
    private readonly int _status;
    private readonly string _html;
    private Uri? _next;

    private HtmlPage(int status, string html) => (_status, _html) = (status, html);

    /// <param name="heading">Plain text without what HTML has a meaning for.</param>
    /// <param name="body">HTML.</param>
    public static HtmlPage Of(int status, string heading, string body) => new(status, $$"""
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{heading}}</title>
        <style>body{font-family:sans-serif;max-width:34em;margin:3em auto;padding:0 1em}button{font-size:1em;padding:.6em 1em}</style></head>
        <body><h1>{{heading}}</h1>
        {{body}}
        </body></html>
        """);

    /// <summary>The browser goes on by itself.</summary>
    public HtmlPage ThenTo(Uri next)
    {
        _next = next;
        return this;
    }

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = _status;
        response.ContentType = "text/html; charset=utf-8";
        var headers = response.Headers;
        headers.ContentSecurityPolicy =
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-store";
        if (_next is not null)
        {
            headers["Refresh"] = $"0; url={_next.AbsoluteUri}";
        }

        return response.Body.WriteAsync(Encoding.UTF8.GetBytes(_html), httpContext.RequestAborted).AsTask();
    }
}
