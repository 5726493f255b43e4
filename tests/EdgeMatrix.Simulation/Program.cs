using System.Globalization;
using EdgeMatrix.Simulation;
using EdgeMatrix.Testing;

// Plays runs of several servers on virtual time, and says what was not as it should be.
//   [--seeds N]    as many runs (200)            [--from SEED]  the first seed (1)
//   [--servers N]  in each run (4)               [--steps N]    what happens in each before all is healed (50)
//   [--trace]      tells all that happens: for one seed
//   [--twice]      plays each seed once more, which must go the same way, and tells the digest of each run for another process to compare
var seeds = Number("--seeds", 200);
var from = Number("--from", 1);
var twice = args.Contains("--twice");
var (failed, events, split) = (0, 0, 0);

// Made by the first server otherwise, which would wait for the thread that it is on.
Directory.Delete(TestFolder.WithDatabase(), recursive: true);
for (var seed = from; seed < from + seeds; seed++)
{
    var trace = new List<string>();
    var result = Play(seed, twice ? trace.Add : args.Contains("--trace") ? Console.WriteLine : null);
    var findings = result.Findings.ToList();
    (events, split) = (events + result.Events, split + result.Split);
    if (twice)
    {
        var again = new List<string>();
        if (Play(seed, again.Add).Digest != result.Digest)
        {
            var at = trace.Zip(again).TakeWhile(lines => lines.First == lines.Second).Count();
            findings.Add($"the second time it went another way from line {at}: {again.ElementAtOrDefault(at)} in place of {trace.ElementAtOrDefault(at)}");
        }
    }

    if (findings.Count > 0)
    {
        failed++;
        Console.WriteLine($"seed {seed} ({result.Digest}):");
        foreach (var finding in findings.Take(20))
        {
            Console.WriteLine($"  {finding}");
        }
    }
    else if (twice || seeds == 1)
    {
        Console.WriteLine($"seed {seed} ({result.Digest}): {result.Events} events, everywhere and alike");
    }
}

Console.WriteLine($"{seeds} seeds, {failed} failures, {events} events accepted, {split} times a room split by its own rules");
return failed == 0 ? 0 : 1;

RunResult Play(int seed, Action<string>? trace) => OneThread.Run(async () =>
{
    using var run = new Run((ulong)seed, new RunOptions(Number("--servers", 4), Number("--steps", 50), trace));
    return await run.PlayAsync();
});

int Number(string name, int otherwise) =>
    Array.IndexOf(args, name) is var at and >= 0 && at + 1 < args.Length ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;
