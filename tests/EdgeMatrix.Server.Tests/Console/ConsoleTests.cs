using System.Net;
using System.Net.Http.Headers;
using EdgeMatrix.Configuration;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Server.Tests.Console;

public sealed class ConsoleTests
{
    [Fact]
    public async Task Health_answers_ok_once_started_without_naming_the_software()
    {
        await using var server = await TestHomeserver.StartAsync(transport: Transport.Loopback);
        using var answer = await server.Http.GetAsync(new Uri("/health", UriKind.Relative));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("""{"status":"ok"}""", await answer.Content.ReadAsStringAsync());
        Assert.Empty(answer.Headers.Server);
    }

    [Fact]
    public async Task Without_a_token_this_machine_reads_the_metrics_and_a_proxy_on_it_does_not()
    {
        await using var server = await TestHomeserver.StartAsync(transport: Transport.Loopback);

        var (status, text) = await MetricsAsync(server);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("\nprocess_resident_memory_bytes ", text, StringComparison.Ordinal);
        Assert.Contains("\nedgematrix_http_requests_under_way 1\n", text, StringComparison.Ordinal);

        server.Http.DefaultRequestHeaders.Add("X-Forwarded-For", "198.51.100.7");
        Assert.Equal(HttpStatusCode.Forbidden, (await MetricsAsync(server)).Status);

        server.Http.DefaultRequestHeaders.Clear();
        Assert.Contains("edgematrix_http_requests_total{class=\"4xx\"} 1\n", (await MetricsAsync(server)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_token_only_its_bearer_reads_the_metrics()
    {
        await using var server = await TestHomeserver.StartAsync(
            options => options with { Admin = new AdminOptions { Token = "hush" } }, Transport.Loopback);

        Assert.Equal(HttpStatusCode.Unauthorized, (await MetricsAsync(server)).Status);
        server.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "hushh");
        Assert.Equal(HttpStatusCode.Unauthorized, (await MetricsAsync(server)).Status);
        server.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "hush");
        Assert.Equal(HttpStatusCode.OK, (await MetricsAsync(server)).Status);
    }

    private static async Task<(HttpStatusCode Status, string Text)> MetricsAsync(TestHomeserver server)
    {
        using var answer = await server.Http.GetAsync(new Uri("/metrics", UriKind.Relative));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
