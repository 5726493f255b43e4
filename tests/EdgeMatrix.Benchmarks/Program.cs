using BenchmarkDotNet.Running;
using EdgeMatrix.Benchmarks.Joins;
using EdgeMatrix.Benchmarks.Memory;
using EdgeMatrix.Benchmarks.Server;
using EdgeMatrix.Benchmarks.State;
using EdgeMatrix.Benchmarks.StateResolution;
using EdgeMatrix.Benchmarks.Worlds;

return args switch
{
    ["server", .. var options] => await ServerBenchmark.RunAsync(options),
    ["generate", .. var options] => await GenerateCommand.RunAsync(options),
    ["memory", .. var options] => await MemoryBenchmark.RunAsync(options),
    ["join", .. var options] => await JoinBenchmark.RunAsync(options),
    ["state", .. var options] => await StateBenchmark.RunAsync(options),
    ["micro", .. var options] => Micro(options),
    ["resolution-memory"] => ResolutionMemory.Run(),
    _ => Usage(),
};

static int Micro(string[] options)
{
    BenchmarkSwitcher.FromAssembly(typeof(ServerBenchmark).Assembly).Run(options);
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("""
        dotnet run -c Release --project tests/EdgeMatrix.Benchmarks -- COMMAND

        server [--binary FILE] [--peer URL] [--members N] [--rooms N] [--rounds N] [--only WORD]
            Latency, throughput, fan-out, CPU, memory and disk of a homeserver over HTTP: of the published file, which it
            starts on a data folder that it fills first, or of any homeserver at URL with open registration.
        generate FOLDER [--members N] [--bans N] [--messages N] [--edits N] [--rooms N]
            Fills a data folder with realistic rooms, through the engine's own door.
        memory [--binary FILE] [--members N] [--seconds N] [--rest N] [--limit SIZE] [--folder FOLDER]
            What the published file holds in memory while five clients follow a room of 85,000 members.
        join [--binary FILE] [--members N] [--folder FOLDER]
            How soon a room of 85,000 members on another server is usable and whole, and what that takes of memory.
        state [--max ENTRIES] [--members N]
            What room states of 10 to 200,000 entries take on the disk and of time, and the auth difference of two of 100,000 members.
        micro [BENCHMARKDOTNET-OPTIONS]
            Micro-benchmarks of the parts.
        resolution-memory
            What state resolution holds in memory where thousands of events are in conflict.
        """);
    return 2;
}
