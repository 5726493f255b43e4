using System.Diagnostics;
using System.Globalization;

namespace EdgeMatrix.Benchmarks.Server;

/// <summary>How long one operation took, again and again; in milliseconds.</summary>
internal sealed class Latencies
{
    private readonly List<double> _sorted;

    public Latencies(IEnumerable<double> milliseconds) => _sorted = [.. milliseconds.Order()];

    public double Mean => _sorted.Average();

    public double Percentile(int percent) => _sorted[Math.Min(_sorted.Count * percent / 100, _sorted.Count - 1)];

    /// <summary>Measures one operation after the other, a tenth of them first unmeasured.</summary>
    /// <param name="prepare">What goes before each, unmeasured.</param>
    public static async Task<Latencies> MeasureAsync(int count, Func<Task>? prepare, Func<Task> operation)
    {
        var milliseconds = new List<double>(count);
        for (var i = -Math.Max(1, count / 10); i < count; i++)
        {
            if (prepare is not null)
            {
                await prepare();
            }

            var start = Stopwatch.GetTimestamp();
            await operation();
            if (i >= 0)
            {
                milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        return new Latencies(milliseconds);
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"p50 {Percentile(50):F3}, p90 {Percentile(90):F3}, p99 {Percentile(99):F3}, mean {Mean:F3} ms");
}
