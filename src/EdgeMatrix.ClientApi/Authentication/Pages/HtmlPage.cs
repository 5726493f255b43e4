using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using NSec.Cryptography;

namespace EdgeMatrix.ClientApi.Authentication.Pages;

/// <summary>A small page for people: it loads nothing, cannot be framed, sends its form only here, and runs no script but the one it is made with.</summary>
/// <param name="body">HTML, in which whatever is not ours is encoded.</param>
/// <param name="script">JavaScript of ours, without anything from outside; null for none.</param>
internal sealed class HtmlPage(string title, string body, string? script = null, int status = StatusCodes.Status200OK) : IResult
{
    private const string Style = "body{font-family:sans-serif;max-width:28em;margin:2em auto;padding:0 1em}input,button{font:inherit;padding:.4em;margin:.3em 0}";

    public static string Encode(string text) => WebUtility.HtmlEncode(text);

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var html = $"""
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{Encode(title)}</title>
            <style>{Style}</style></head><body><h1>{Encode(title)}</h1>
            {body}
            {(script is null ? "" : $"<script>{script}</script>")}</body></html>
            """;
        var headers = httpContext.Response.Headers;
        headers.ContentSecurityPolicy =
            $"default-src 'none'; style-src {Hash(Style)}; script-src {(script is null ? "'none'" : Hash(script))}; connect-src 'self'; "
            + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-store";
        httpContext.Response.StatusCode = status;
        httpContext.Response.ContentType = "text/html; charset=utf-8";
        return httpContext.Response.WriteAsync(html, httpContext.RequestAborted);
    }

    private static string Hash(string text) =>
        $"'sha256-{Convert.ToBase64String(HashAlgorithm.Sha256.Hash(Encoding.UTF8.GetBytes(text)))}'";
}
