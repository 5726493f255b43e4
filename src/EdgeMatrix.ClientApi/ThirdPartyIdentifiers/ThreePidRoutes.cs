using EdgeMatrix.Accounts;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.Delivery.Identity;
using EdgeMatrix.Delivery.Mail;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi.ThirdPartyIdentifiers;

/// <summary>E-mail addresses and phone numbers: proving them, and those of an account.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information</remarks>
internal static class ThreePidRoutes
{
    private const string V3 = "/_matrix/client/v3";
    private const string Account = V3 + "/account/3pid";

    // Of before the endpoints for it were specified.
    private const string UnstableAccount = "/_matrix/client/unstable/account/3pid";

    public static void MapThreePids(this IEndpointRouteBuilder api)
    {
        api.Post(
            V3 + "/register/email/requestToken",
            c => EmailRequests.ToRegister(
                c.Request, c.Part<EmailValidation>(), c.Part<RateLimiter>(), c.Part<ClientApiOptions>())).WithoutToken().WithRate(RateKind.Email);
        api.Post(
            V3 + "/account/password/email/requestToken",
            c => EmailRequests.ToResetPassword(
                c.Request, c.Part<EmailValidation>(), c.Part<RateLimiter>())).WithoutToken().WithRate(RateKind.Email);
        api.Post(
            Account + "/email/requestToken",
            c => EmailRequests.ToAdd(
                c.Request, c.Part<EmailValidation>(), c.Part<RateLimiter>())).WithoutToken().WithRate(RateKind.Email);
        api.Post(V3 + "/register/msisdn/requestToken", c => EmailRequests.OfPhone()).WithoutToken();
        api.Post(V3 + "/account/password/msisdn/requestToken", c => EmailRequests.OfPhone()).WithoutToken();
        api.Post(Account + "/msisdn/requestToken", c => EmailRequests.OfPhone()).WithoutToken();
        api.Get(EmailValidation.Path, c => EmailPage.Get(c.Request, c.Part<EmailValidation>(), c.Server)).WithoutToken();
        api.Post(EmailValidation.Path, c => EmailPage.Submit(c.Request, c.Part<EmailValidation>())).WithoutToken().WithRate(RateKind.Login);
        api.Get(Account, c => ThreePids.List(c.Requester, c.Part<UserThreePids>()));
        api.Post(
            Account,
            c => ThreePids.AddOld(
                c.Request, c.Requester, c.Part<UserInteractiveAuthentication>(), c.Part<EmailValidation>())).WithRate(RateKind.Login);
        api.Post(
            Account + "/add",
            c => ThreePids.Add(
                c.Request, c.Requester, c.Part<UserInteractiveAuthentication>(), c.Part<EmailValidation>())).WithRate(RateKind.Login);
        foreach (var account in (string[])[Account, UnstableAccount])
        {
            api.Post(account + "/bind", c => ThreePids.Bind(c.Request, c.Requester, c.Part<BoundThreePids>())).WithRate(RateKind.Login);
            api.Post(account + "/unbind", c => ThreePids.Unbind(c.Request, c.Requester, c.Part<BoundThreePids>()));
        }

        api.Post(Account + "/delete", c => ThreePids.Delete(c.Request, c.Requester, c.Part<UserThreePids>(), c.Part<BoundThreePids>()));
    }
}
