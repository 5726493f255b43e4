using System.Net;
using System.Net.Http.Headers;
using EdgeMatrix.Configuration;
using EdgeMatrix.Server.Tests.Serving;
using Xunit;

namespace EdgeMatrix.Server.Tests.Console;

public sealed class ConsoleTests
{
    [Fact]
    public async Task Health_answers_ok_once_started_without_naming_the_software()
    {
        await using var server = await RunningServer.StartAsync();
        using var answer = await server.Client.GetAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("""{"status":"ok"}""", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Empty(answer.Headers.Server);
    }

    [Fact]
    public async Task Without_a_token_this_machine_reads_the_metrics_and_a_proxy_on_it_does_not()
    {
        await using var server = await RunningServer.StartAsync();

        var (status, text) = await server.GetAsync("/metrics");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("\nprocess_resident_memory_bytes ", text, StringComparison.Ordinal);
        Assert.Contains("\nedgematrix_http_requests_under_way 1\n", text, StringComparison.Ordinal);

        server.Client.DefaultRequestHeaders.Add("X-Forwarded-For", "198.51.100.7");
        Assert.Equal(HttpStatusCode.Forbidden, (await server.GetAsync("/metrics")).Status);
        Assert.Contains("edgematrix_http_requests_total{class=\"4xx\"} 1\n", await Unforwarded(server), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_token_only_its_bearer_reads_the_metrics()
    {
        await using var server = await RunningServer.StartAsync(options => options with { Admin = new AdminOptions { Token = "hush" } });

        Assert.Equal(HttpStatusCode.Unauthorized, (await server.GetAsync("/metrics")).Status);
        server.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "hushh");
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.GetAsync("/metrics")).Status);
        server.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "hush");
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync("/metrics")).Status);
    }

    private static async Task<string> Unforwarded(RunningServer server)
    {
        server.Client.DefaultRequestHeaders.Clear();
        return (await server.GetAsync("/metrics")).Text;
    }
}
