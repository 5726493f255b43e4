using EdgeMatrix.Benchmarks.Http;
using EdgeMatrix.Benchmarks.Worlds;

namespace EdgeMatrix.Benchmarks.Memory;

/// <summary>One room of very many members, of whom a few have an account here.</summary>
internal sealed record LargeRoom(string Id, MatrixUser Owner, IReadOnlyList<MatrixUser> Clients)
{
    private const string TokensFile = "bench-tokens";
    private const int Messages = 200;

    /// <summary>The server that the room is at.</summary>
    public string ServerName => Owner.Id[(Owner.Id.IndexOf(':') + 1)..];

    /// <summary>Makes the room, or takes the one that an earlier run made in the folder.</summary>
    public static async Task<LargeRoom> OpenAsync(string folder, int members, int clients, string serverName = EngineWorld.ServerName)
    {
        var known = Path.Combine(folder, TokensFile);
        if (File.Exists(known))
        {
            var lines = await File.ReadAllLinesAsync(known);
            MatrixUser[] users = [.. lines.Skip(1).Select(line => new MatrixUser(line.Split(' ')[0], line.Split(' ')[1]))];
            return new LargeRoom(lines[0], users[0], users[1..]);
        }

        await using var world = await EngineWorld.OpenAsync(folder, serverName);
        var made = await BuildAsync(world, members, clients);
        await File.WriteAllLinesAsync(known, [made.Id, .. made.Clients.Prepend(made.Owner).Select(user => $"{user.Id} {user.Token}")]);
        return made;
    }

    private static async Task<LargeRoom> BuildAsync(EngineWorld world, int members, int clients)
    {
        var owner = await world.AddUserAsync("owner");
        var room = await world.CreateRoomAsync(owner, "The large room");
        await world.JoinCrowdAsync(room, members - clients - 1);
        var accounts = new List<MatrixUser>();
        for (var i = 0; i < clients; i++)
        {
            accounts.Add(await world.AddUserAsync($"client{i}"));
            await world.JoinAsync(room, accounts[i]);
        }

        for (var i = 0; i < Messages; i++)
        {
            await world.SendAsync(room, accounts[i % clients], Texts.Message(i));
        }

        return new LargeRoom(room, owner, accounts);
    }
}
