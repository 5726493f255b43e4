using System.Text.Json;
using EdgeMatrix.ServerApi.Authentication;

namespace EdgeMatrix.ServerApi;

/// <summary>Which server makes the request, as the route table of the Server-Server API hands it to an endpoint.</summary>
internal static class ServerCall
{
    private static readonly JsonElement _empty = JsonElement.Parse("{}"u8);

    extension(ApiCall call)
    {
        /// <summary>The name of the server whose signature was checked; of an endpoint that needs one.</summary>
        /// <exception cref="InvalidOperationException">The endpoint takes requests without a signature.</exception>
        public string Origin => call.Signed.Origin;

        /// <summary>The body that was signed, an object; an empty one if there was no body.</summary>
        /// <inheritdoc cref="Origin"/>
        public JsonElement Content => call.Signed.Content ?? _empty;

        private SignedRequest Signed =>
            call.Context.Features.Get<SignedRequest>() ?? throw new InvalidOperationException("The endpoint is not marked to need a signature");
    }
}
