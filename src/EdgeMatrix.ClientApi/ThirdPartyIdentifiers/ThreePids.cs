using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.ThirdPartyIdentifiers;

/// <summary>E-mail addresses and phone numbers of accounts: none, as this server sends neither mails nor text messages to prove them.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information</remarks>
internal static class ThreePids
{
    /// <summary><c>GET /_matrix/client/v3/account/3pid</c></summary>
    public static IResult List() => new JsonText("""{"threepids":[]}"""u8.ToArray());

    /// <summary><c>POST …/requestToken</c>, whatever the token would be for.</summary>
    /// <remarks>"The homeserver does not allow the third-party identifier".</remarks>
    public static IResult RequestToken() => MatrixError.ThreepidDenied("This server proves no e-mail addresses and no phone numbers");

    /// <summary><c>POST /_matrix/client/v3/account/3pid/add</c>, and its deprecated form without <c>/add</c>.</summary>
    /// <remarks>A session to prove the identifier by cannot be had here.</remarks>
    public static IResult Add() => MatrixError.ThreepidAuthFailed("There is no such session: this server proves no e-mail addresses and no phone numbers");
}
