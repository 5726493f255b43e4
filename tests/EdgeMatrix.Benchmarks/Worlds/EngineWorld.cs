using System.Text.Json;
using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Benchmarks.Http;
using EdgeMatrix.Configuration;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.Members;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeMatrix.Benchmarks.Worlds;

/// <summary>Fills a data folder of ours, through the door that every event passes, without a listener.</summary>
internal sealed class EngineWorld : IWorldBuilder, IAsyncDisposable
{
    public const string ServerName = "bench.local";

    private readonly Homeserver _homeserver;
    private readonly RoomEngine _engine;
    private readonly RoomMembers _members;

    private EngineWorld(Homeserver homeserver)
    {
        _homeserver = homeserver;
        _engine = Part<RoomEngine>();
        _members = Part<RoomMembers>();
    }

    public static async Task<EngineWorld> OpenAsync(string folder, string serverName = ServerName)
    {
        var options = new HomeserverOptions
        {
            Server = new ServerOptions { Name = serverName, Data = folder, Listen = ["http://127.0.0.1:0"] },

            // Nobody is acknowledged anything here; a generator that waits for the disk only wears it.
            Storage = new StorageOptions { Durability = Durability.Relaxed },
        };
        return new EngineWorld(await Homeserver.BuildAsync(options, new Surroundings { Random = new SodiumRandom() }));
    }

    public async Task<MatrixUser> AddUserAsync(string localpart, bool silent = false)
    {
        if (silent)
        {
            // Nobody here is told of what is said to them, as most members of a large room are on other servers.
            return new MatrixUser($"@{localpart}:server{localpart.Sum(static letter => letter) % 50}.example", "");
        }

        var (account, verdict) = await Part<UserAccounts>().AddAsync(localpart, null, admin: false, CancellationToken.None);
        var login = await Part<Logins>().LogInAsync(
            (account ?? throw new IOException($"{localpart}: {verdict}")).User, null, null, refreshable: false);
        return new MatrixUser(account.UserId, login!.Tokens.AccessToken);
    }

    public async Task<string> CreateRoomAsync(MatrixUser creator, string name) =>
        Value(await Part<RoomCreation>().CreateAsync(creator.Id, new CreateRoomRequest { Preset = "public_chat", Name = name })).Id;

    public async Task JoinAsync(string room, MatrixUser user) =>
        Value(await _members.JoinAsync(Room(room), user.Id, null, CancellationToken.None));

    /// <summary>Has users of other servers join, who are told of nothing.</summary>
    public Task JoinCrowdAsync(string room, int count) => new Crowd(_engine, new KnownServerKeys(_engine.Database)).JoinAsync(Room(room), count);

    public async Task BanAsync(string room, MatrixUser sender, MatrixUser target) =>
        Value(await _members.BanAsync(Room(room), sender.Id, target.Id, null, CancellationToken.None));

    public Task SendAsync(string room, MatrixUser sender, string text) => SendTextAsync(room, sender, text);

    /// <returns>The event id.</returns>
    public Task<string> SendTextAsync(string room, MatrixUser sender, string text) =>
        SendContentAsync(room, sender, $$"""{"msgtype":"m.text","body":"{{text}}"}""");

    /// <summary>A message that replaces another, as clients write edits.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#event-replacements</remarks>
    public Task<string> EditAsync(string room, MatrixUser sender, string eventId, string text) => SendContentAsync(room, sender, $$$"""
        {"msgtype":"m.text","body":"* {{{text}}}","m.new_content":{"msgtype":"m.text","body":"{{{text}}}"},
         "m.relates_to":{"rel_type":"m.replace","event_id":"{{{eventId}}}"}}
        """);

    public ValueTask DisposeAsync() => _homeserver.DisposeAsync();

    private static T Value<T>(Outcome<T> outcome)
        where T : class => outcome.Refusal is { } refusal ? throw new IOException(refusal.Message) : outcome.Value!;

    private async Task<string> SendContentAsync(string room, MatrixUser sender, string content) => Value(await _engine.SendAsync(
        Room(room), new EventDraft("m.room.message", null, sender.Id, JsonElement.Parse(content)), null, CancellationToken.None));

    private Room Room(string id) => _engine.Find(id) ?? throw new IOException($"no room {id}");

    private T Part<T>()
        where T : notnull => _homeserver.Services.GetRequiredService<T>();
}
