using EdgeMatrix.Console.Measuring;
using Xunit;

namespace EdgeMatrix.Server.Tests.Console;

public sealed class MetricsTests
{
    [Fact]
    public void A_number_is_read_when_it_is_asked_for()
    {
        var metrics = new Metrics();
        var rooms = 1;
        metrics.Gauge("rooms", "Rooms known.", () => rooms);
        rooms = 2;

        Assert.Equal("# HELP rooms Rooms known.\n# TYPE rooms gauge\nrooms 2\n", metrics.ToPrometheusText());
    }

    [Fact]
    public void Samples_of_one_name_stand_together_under_their_labels()
    {
        var metrics = new Metrics();
        metrics.Counter("answers_total", "Answers.", "class=\"2xx\"", () => 1.5);
        metrics.Gauge("rooms", "Rooms known.", () => 0);
        metrics.Counter("answers_total", "Answers.", "class=\"4xx\"", () => 2);

        Assert.StartsWith(
            "# HELP answers_total Answers.\n# TYPE answers_total counter\nanswers_total{class=\"2xx\"} 1.5\nanswers_total{class=\"4xx\"} 2\n",
            metrics.ToPrometheusText(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_sample_cannot_be_registered_twice()
    {
        var metrics = new Metrics();
        metrics.Gauge("rooms", "Rooms known.", () => 0);

        Assert.Throws<ArgumentException>(() => metrics.Gauge("rooms", "Rooms known.", () => 1));
        Assert.Throws<ArgumentException>(() => metrics.Counter("rooms", "Rooms known.", "a=\"b\"", () => 1));
    }
}
