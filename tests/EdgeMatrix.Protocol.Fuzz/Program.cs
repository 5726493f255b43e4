using System.Diagnostics;
using System.Globalization;
using EdgeMatrix.Protocol.Fuzz;

// COUNT [SEED]          feeds that many generated inputs to the readers
// cases COUNT SEED      writes documents and what we make of them, for agreement.py
// verify                reads signed objects of agreement.py
switch (args)
{
    case ["cases", var count, var seed]:
        using (var output = new StreamWriter(Console.OpenStandardOutput(), bufferSize: 65_536))
        {
            OracleCases.Write(int.Parse(count, CultureInfo.InvariantCulture), ulong.Parse(seed, CultureInfo.InvariantCulture), output);
        }

        return 0;
    case ["verify"]:
        using (var output = new StreamWriter(Console.OpenStandardOutput(), bufferSize: 65_536))
        {
            OracleCases.Verify(Console.In, output);
        }

        return 0;
    case [var count, .. var rest] when long.TryParse(count, CultureInfo.InvariantCulture, out var inputs):
        var run = new FuzzRun(rest is [var seed2] ? ulong.Parse(seed2, CultureInfo.InvariantCulture) : 1);
        var watch = Stopwatch.StartNew();
        run.Run(inputs);
        Console.WriteLine(
            $"{run.Inputs} inputs of {run.Bytes} bytes in {watch.Elapsed.TotalSeconds:F0} s: {run.Canonical} canonical, {run.Events} events, "
            + $"{run.ServerKeys} server keys, {run.Reasons} reasons; at most {run.MostBytesPerByte:F1} bytes allocated for a byte "
            + $"beyond {FuzzRun.MaxBytesAtAll}");
        return 0;
    default:
        Console.Error.WriteLine("usage: COUNT [SEED] | cases COUNT SEED | verify");
        return 2;
}
