using EdgeMatrix.ClientApi;
using EdgeMatrix.Testing;
using Microsoft.AspNetCore.Routing;
using Xunit;

namespace EdgeMatrix.Server.Tests.ClientApi;

public sealed class AccountLimitTests
{
    [Fact]
    public async Task Every_limit_names_an_endpoint_that_there_is()
    {
        await using var server = await TestHomeserver.StartAsync();
        var endpoints = server.Part<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Select(endpoint => $"{endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods[0]} {endpoint.RoutePattern.RawText}")
            .ToHashSet();

        Assert.Equal([], AccountLimits.ForLocked.Concat(AccountLimits.ForGuests).Concat(AccountLimits.NotForSuspended).Where(name => !endpoints.Contains(name)));
    }
}
