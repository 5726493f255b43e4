namespace EdgeMatrix.ClientApi;

/// <summary>Who makes the request, as the route tables of the Client-Server API hand it to an endpoint.</summary>
internal static class ClientCall
{
    extension(ApiCall call)
    {
        /// <summary>Whoever holds the access token; of an endpoint that needs one.</summary>
        /// <exception cref="InvalidOperationException">The endpoint takes requests without a token.</exception>
        public Requester Requester =>
            call.RequesterIfAny ?? throw new InvalidOperationException("The endpoint is not marked to need an access token");

        /// <summary>Null where the endpoint takes requests without a token, and this came with none.</summary>
        public Requester? RequesterIfAny => call.Context.Features.Get<Requester>();
    }
}
