using System.Net;
using EdgeMatrix.Configuration;
using EdgeMatrix.Crash.Tests.Disks;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Purging;
using EdgeMatrix.Storage;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Crash.Tests;

/// <param name="ManyWrites">It wrote more than once.</param>
internal sealed record RecordedStep(string Name, bool ManyWrites, DatabaseRows After);

/// <summary>A whole server at work on a recorded disk, from an empty folder to its shutdown, and what it had acknowledged when.</summary>
internal sealed class RecordedRun : IAsyncDisposable
{
    private readonly bool _relaxed;
    private readonly List<RecordedStep> _steps = [];
    private TestHomeserver? _server;
    private TestSession _alice = null!;
    private TestSession _bob = null!;
    private int _transactions;

    private RecordedRun(bool relaxed) => _relaxed = relaxed;

    public RecordedDisk Disk { get; } = new();

    public IReadOnlyList<RecordedStep> Steps => _steps;

    /// <param name="messages">How many are sent while readers hold the log up, and so how often it is moved into the file.</param>
    public static async Task<RecordedRun> PlayAsync(bool relaxed, int messages)
    {
        var run = new RecordedRun(relaxed);
        await run.PlayAsync(messages);
        return run;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        Disk.Dispose();
    }

    private async Task PlayAsync(int messages)
    {
        var options = (HomeserverOptions options) => options with
        {
            Server = options.Server with { Data = Disk.Folder },
            Storage = options.Storage with { Durability = _relaxed ? Durability.Relaxed : Durability.Full },
        };
        await StepAsync("the first start", true, async () => _server = await TestHomeserver.StartAsync(options, readers: 2));
        await StepAsync("accounts", true, async () =>
        {
            _alice = await _server!.RegisterAsync("alice");
            _bob = await _server.RegisterAsync("bob");
        });

        string room = "", hidden = "";
        await StepAsync("a room", false, async () => room = await _alice.CreateRoomAsync());
        await StepAsync("a room with an alias", false, async () =>
            hidden = await _alice.CreateRoomAsync("""{"preset":"private_chat","room_alias_name":"hidden","name":"Hidden"}"""));
        await StepAsync("a join", false, () => Ok(_bob.PostAsync($"/_matrix/client/v3/join/{room}", "{}")));
        await StepAsync("an invite", false, () => Ok(_alice.PostAsync($"/_matrix/client/v3/rooms/{hidden}/invite", """{"user_id":"@bob:test"}""")));

        var said = "";
        for (var n = 0; n < 5; n++)
        {
            await StepAsync("a message", false, async () => said = await _bob.SendTextAsync(room, $"Hello {n}", NextTransaction()));
        }

        await StepAsync("a redaction", false, () =>
            Ok(_alice.PutAsync($"/_matrix/client/v3/rooms/{room}/redact/{said}/{NextTransaction()}", "{}")));
        for (var n = 0; n < 20; n++)
        {
            await StepAsync("a topic", false, () => SetStateAsync(room, "m.room.topic", "", $$"""{"topic":"number {{n}}"}"""));
        }

        await StepAsync("state from all sides", true, () => SetManyStatesAsync(room, 0, 120));
        await StepAsync("account data", false, () =>
            Ok(_alice.PutAsync("/_matrix/client/v3/user/@alice:test/account_data/org.example", """{"kept":true}""")));
        await StepAsync("a profile", true, () => Ok(_bob.PutAsync("/_matrix/client/v3/profile/@bob:test/displayname", """{"displayname":"Bob"}""")));
        await StepAsync("a receipt", false, () => Ok(_bob.PostAsync($"/_matrix/client/v3/rooms/{room}/receipt/m.read/{said}", "{}")));
        await StepAsync("a filter", false, () =>
            Ok(_bob.PostAsync("/_matrix/client/v3/user/@bob:test/filter", """{"room":{"timeline":{"limit":3}}}""")));
        await StepAsync("a login", true, async () => _bob = _bob with { Token = await LogInAsync("bob") });
        await StepAsync("a shutdown and a start", true, async () => _server = await _server!.RestartAsync());
        _alice = _alice with { Server = _server! };
        _bob = _bob with { Server = _server! };

        using (_server!.Part<Database>().OpenSnapshot())
        {
            await StepAsync("messages beside a reader", true, () => SendManyAsync(room, messages));
        }

        for (var n = 0; n < 10; n++)
        {
            await StepAsync("a message after the log moved", false, () => _alice.SendTextAsync(room, $"After {n}", NextTransaction()));
        }

        await StepAsync("states large enough for chunks", true, () => SetManyStatesAsync(room, 120, 300));
        await StepAsync("a logout", false, () => Ok(_bob.PostAsync("/_matrix/client/v3/logout", "{}")));
        await StepAsync("a leave", false, () => Ok(_alice.PostAsync($"/_matrix/client/v3/rooms/{hidden}/leave", "{}")));
        await StepAsync("a purge", true, async () =>
        {
            var purge = _server.Part<RoomPurge>();
            await purge.DeleteAsync(_server.Part<RoomEngine>().Find(hidden)!, atOnce: true, CancellationToken.None);
            while (await purge.SliceAsync(CancellationToken.None))
            {
            }
        });
        await StepAsync("history deleted", true, () =>
            _server.Part<HistoryPurge>().DeleteAsync(_server.Part<RoomEngine>().Find(room)!, long.MaxValue, sentBeforeMs: null, CancellationToken.None));
        await StepAsync("free pages given back", true, async () =>
        {
            while (await _server.Part<Database>().WriteAsync(FreePages.GiveSomeBack))
            {
            }
        });
        await StepAsync("a message after that", false, () => _alice.SendTextAsync(room, "Still here", NextTransaction()));
        await _server.DisposeAsync();
        _server = null;
    }

    private async Task StepAsync(string name, bool manyWrites, Func<Task> step)
    {
        await step();
        _steps.Add(new RecordedStep(name, manyWrites, DatabaseRows.Of(_server!.Part<Database>())));
        Disk.Acknowledge(_steps.Count - 1);
    }

    private Task SendManyAsync(string room, int messages) => Parallel.ForEachAsync(
        Enumerable.Range(0, messages),
        new ParallelOptions { MaxDegreeOfParallelism = 2 },
        async (n, _) => await (n % 2 == 0 ? _alice : _bob).SendTextAsync(room, $"Number {n} of many", NextTransaction()));

    private Task SetManyStatesAsync(string room, int from, int to) => Parallel.ForEachAsync(
        Enumerable.Range(from, to - from),
        new ParallelOptions { MaxDegreeOfParallelism = 16 },
        async (n, _) => await SetStateAsync(room, "org.example.state", $"key{n}", $$"""{"n":{{n}}}"""));

    private Task SetStateAsync(string room, string type, string key, string content) =>
        Ok(_alice.PutAsync($"/_matrix/client/v3/rooms/{room}/state/{type}/{key}", content));

    private async Task<string> LogInAsync(string user)
    {
        var answer = await _server!.SendAsync(
            HttpMethod.Post,
            "/_matrix/client/v3/login",
            null,
            $$$"""{"type":"m.login.password","identifier":{"type":"m.id.user","user":"{{{user}}}"},"password":"secret","refresh_token":true}""");
        return answer["access_token"].GetString()!;
    }

    private string NextTransaction() => $"t{Interlocked.Increment(ref _transactions)}";

    private static async Task Ok(Task<TestAnswer> answer) => Assert.Equal(HttpStatusCode.OK, (await answer).Status);
}
