using EdgeMatrix.Accounts.AppServices;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.AppServices;

/// <summary>Which application service calls an endpoint that it calls as itself, and as no user: to register or log in one of its users.</summary>
/// <param name="Service">Null if there is no token, or it is none of an application service.</param>
/// <param name="HasToken">There is some token.</param>
internal sealed record AppServiceCaller(AppService? Service, bool HasToken)
{
    /// <summary>The application service that the request must be of.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#server-admin-style-permissions</remarks>
    public static (AppService? Service, MatrixError? Error) Required(HttpRequest request)
    {
        var caller = request.HttpContext.Features.Get<AppServiceCaller>();
        return caller?.Service is { } service ? (service, null)
            : (null, caller is { HasToken: true } ? MatrixError.UnknownToken(softLogout: false) : MatrixError.MissingToken());
    }
}
