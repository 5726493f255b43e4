using System.Net;
using EdgeMatrix.ClientApi.ThirdPartyIdentifiers;
using EdgeMatrix.Delivery.Push;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.PushRules;

/// <summary>Where the link in a mail leads that tells of unread messages: to no more of them.</summary>
/// <remarks>RFC 8058: opening the link changes nothing, posting to it does, as a button of the mail program does.</remarks>
internal static class UnsubscribePage
{
    /// <summary><c>GET …/email/unsubscribe</c></summary>
    public static IResult Get(HttpRequest request, EmailPushing emails) => !emails.IsOn
        ? MatrixError.Unrecognized()
        : HtmlPage.Of(200, "No more mails of unread messages?", $"""
            <form method="post" action="{WebUtility.HtmlEncode(request.QueryString.Value ?? "?")}"><button>Yes, send no more</button></form>
            """);

    /// <summary><c>POST …/email/unsubscribe</c></summary>
    public static async Task<IResult> Post(HttpRequest request, EmailPushing emails)
    {
        if (!emails.IsOn)
        {
            return MatrixError.Unrecognized();
        }

        var (pusher, _) = request.QueryInteger("pusher");
        return pusher is not null && await emails.UnsubscribeAsync(pusher.Value, request.QueryText("token") ?? "") is { } address
            ? HtmlPage.Of(200, "You get no more of them", $"<p>No more mails of unread messages are sent to {WebUtility.HtmlEncode(address)}.</p>")
            : HtmlPage.Of(400, "That did not work", "<p>The link is not whole, or you get no such mails any more.</p>");
    }
}
