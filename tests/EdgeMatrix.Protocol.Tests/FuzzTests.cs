using EdgeMatrix.Protocol.Fuzz;
using Xunit;

namespace EdgeMatrix.Protocol.Tests;

/// <summary>A short run; <c>dotnet run -c Release --project tests/EdgeMatrix.Protocol.Fuzz -- 10000000</c> is a long one.</summary>
public sealed class FuzzTests
{
    [Fact]
    public void A_hundred_thousand_generated_inputs_get_a_verdict_each_within_bounds()
    {
        var run = new FuzzRun(seed: 1);

        run.Run(100_000);

        Assert.Equal(100_000, run.Inputs);
        Assert.True(run is { Canonical: > 10_000, Events: > 1_000, Reasons: > 100 });
        Assert.InRange(run.MostBytesPerByte, 0, FuzzRun.MaxBytesPerByte);
    }
}
