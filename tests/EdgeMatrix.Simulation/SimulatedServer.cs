using System.Text;
using System.Text.Json;
using EdgeMatrix.Configuration;
using EdgeMatrix.Testing;

namespace EdgeMatrix.Simulation;

/// <summary>A server that goes and comes back, and its users.</summary>
/// <param name="notaries">Whom it asks for the keys of servers that do not answer.</param>
/// <param name="trace">Told of each request of a user what came of it.</param>
internal sealed class SimulatedServer(string name, LossyNetwork network, IReadOnlyList<string> notaries, VirtualTime time, Action<string> trace)
{
    // The same on a small machine as on a big one.
    private const long Memory = 128 << 20;

    // About what two requests take: enough for the next write to be there.
    private const int PiecesAfter = 100;

    private TestHomeserver? _running;
    private int _crashes;
    private int _joins;

    public string Name => name;

    /// <summary>Null while it is down.</summary>
    public TestHomeserver? Running => _running;

    /// <summary>Since the start of the run.</summary>
    public TimeSpan StartedAt { get; private set; }

    public List<TestSession> Users { get; } = [];

    /// <summary>Whether some user of it waits for a join.</summary>
    public bool IsJoining => _joins > 0;

    public async Task StartAsync(ulong seed) => _running = await TestHomeserver.StartAsync(
        options => options with
        {
            Federation = options.Federation with
            {
                RetryMin = TimeSpan.FromSeconds(1), RetryMax = TimeSpan.FromSeconds(10), TrustedKeyServers = notaries,
            },
            Memory = new MemoryOptions { Limit = Memory },
        },
        name: name, seed: seed, network: network, time: time, readers: 2, writesInPool: true);

    /// <summary>Stops it as its operator would, and starts it again after a while.</summary>
    public async Task RestartAsync(Func<Task> meanwhile)
    {
        if (Interlocked.Exchange(ref _running, null) is { } running)
        {
            _running = await running.RestartAsync(meanwhile: _ => meanwhile());
            StartedAt = time.Now;
        }
    }

    /// <summary>Cuts its power, whatever it is doing, and starts it again from what is on its disk after a while.</summary>
    /// <param name="torn">How much of what it was about to write is on the disk too, from 0 to 1.</param>
    public async Task CrashAsync(double torn, Func<Task> meanwhile)
    {
        if (Interlocked.Exchange(ref _running, null) is not { } running)
        {
            return;
        }

        network.Kill(name);
        _crashes++;
        var data = running.CopyData();

        // Nobody hears of what it does from now on, such as for whoever asks at that very moment, and all that stays of it is a part of the log's next pages.
        _ = AnswerAsync(running, Users[0], HttpMethod.Put, $"/_matrix/client/v3/profile/{Users[0].UserId}/displayname", """{"displayname":"nobody"}""");
        await OneThread.BeginAsync(PiecesAfter);
        trace($"the power of {name} is gone; of what it was about to write {TearLog(data, running.DataFolder, torn)} bytes are on its disk");
        await meanwhile();
        _running = await running.StartAgainOnAsync(data);
        StartedAt = time.Now;
    }

    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _running, null) is { } running)
        {
            await running.DisposeAsync();
        }
    }

    /// <summary>Has a user ask to join: until they are in, or are not, the server is joining.</summary>
    public async Task<TestAnswer?> JoinAsync(TestSession user, string path)
    {
        _joins++;
        try
        {
            return await AskAsync(user, HttpMethod.Post, path, new { });
        }
        finally
        {
            _joins--;
        }
    }

    /// <summary>Has a user ask the server.</summary>
    /// <returns>Null if there was no answer: whether the server did what it was asked is not known then.</returns>
    public async Task<TestAnswer?> AskAsync(TestSession user, HttpMethod method, string path, object? body = null)
    {
        var text = body is null ? null : JsonSerializer.Serialize(body);
        var answer = _running is { } running ? await AnswerAsync(running, user, method, path, text) : null;
        trace($"{user.UserId} {method} {path} {text} -> {(answer is null ? "nothing" : $"{(int)answer.Status} {Told.Of(Encoding.UTF8.GetBytes(answer.Body))}")}");
        return answer;
    }

    private async Task<TestAnswer?> AnswerAsync(TestHomeserver running, TestSession user, HttpMethod method, string path, string? body)
    {
        var crashes = _crashes;
        try
        {
            var answer = await running.SendAsync(method, path, user.Token, body);
            return crashes == _crashes ? answer : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            return null;
        }
    }

    /// <summary>Lengthens the log of a copy by a part of what has come to the original since, as when the power goes while pages are written.</summary>
    /// <returns>How many bytes.</returns>
    private static int TearLog(string copy, string original, double part)
    {
        const string Log = "edgematrix.db-wal";
        const int HeaderBytes = 32;
        if (!File.Exists(Path.Combine(copy, Log)) || !File.Exists(Path.Combine(original, Log)))
        {
            return 0;
        }

        var written = File.ReadAllBytes(Path.Combine(copy, Log));
        var later = File.ReadAllBytes(Path.Combine(original, Log));
        var torn = (int)((later.Length - written.Length) * part);

        // A log that was begun anew since has another header.
        if (torn <= 0 || written.Length < HeaderBytes || !later.AsSpan(0, HeaderBytes).SequenceEqual(written.AsSpan(0, HeaderBytes)))
        {
            return 0;
        }

        using var log = new FileStream(Path.Combine(copy, Log), FileMode.Append);
        log.Write(later, written.Length, torn);
        return torn;
    }
}
