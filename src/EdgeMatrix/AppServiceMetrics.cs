using EdgeMatrix.Console.Measuring;
using EdgeMatrix.Delivery.AppServices;

namespace EdgeMatrix;

/// <summary>What <c>/metrics</c> says of application services.</summary>
internal static class AppServiceMetrics
{
    public static void Register(Metrics metrics, AppServiceDelivery delivery)
    {
        foreach (var service in delivery.Told)
        {
            // As Prometheus has it: backslashes, quotes and ends of lines with a backslash before them.
            var id = service.Id.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("\n", "\\n", StringComparison.Ordinal);
            var labels = $"id=\"{id}\"";
            metrics.Gauge(
                "edgematrix_appservice_queued",
                "Events and other news that the application service is still to be told of, but for those in the transaction that is under way.",
                labels,
                () => delivery.StateOf(service).Queued);
            metrics.Gauge(
                "edgematrix_appservice_last_success_seconds",
                "When the application service last took what it was sent, in seconds since the Unix epoch; 0: never.",
                labels,
                () => (delivery.StateOf(service).LastSuccessTs ?? 0) / 1_000.0);
            metrics.Gauge(
                "edgematrix_appservice_failing_since_seconds",
                "Since when the application service takes nothing, in seconds since the Unix epoch; 0: it does.",
                labels,
                () => (delivery.StateOf(service).FailingSinceTs ?? 0) / 1_000.0);
        }
    }
}
