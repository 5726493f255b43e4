using System.Buffers.Binary;
using System.Text.Json;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;

namespace EdgeMatrix.Benchmarks.Worlds;

/// <summary>The users of fifty other servers, as most members of a large room are: what they send is signed by their servers, whose keys are known.</summary>
internal sealed class Crowd(RoomEngine engine, KnownServerKeys keys)
{
    private const int Servers = 50;

    // As many as another server sends at once, several times.
    private const int AtOnce = 500;

    private static readonly TimeSpan _validity = TimeSpan.FromDays(7);

    /// <summary>Has so many of them join a room that anybody may join, one after the other.</summary>
    public async Task JoinAsync(Room room, int count)
    {
        var now = engine.Time.GetUtcNow();
        var servers = new List<(string Name, SigningKey Key)>();
        for (var i = 0; i < Servers; i++)
        {
            var seed = new byte[SigningKey.SeedBytes];
            BinaryPrimitives.WriteInt32LittleEndian(seed, i + 1);
            servers.Add(($"server{i}.example", SigningKey.FromSeed("crowd", seed)));
            await KnowAsync(servers[i].Name, servers[i].Key, now);
        }

        var (links, refusal) = await engine.LinksAsync(room, Draft($"@member0:{servers[0].Name}", 0), CancellationToken.None);
        if (refusal is not null)
        {
            throw new IOException(refusal.Message);
        }

        foreach (var some in Enumerable.Range(0, count).Chunk(AtOnce))
        {
            var joins = new List<Pdu>(some.Length);
            foreach (var i in some)
            {
                var (name, key) = servers[i % Servers];
                var join = EventBuilder.Build(Draft($"@member{i}:{name}", i), room.Version, room.Id, links!, now.ToUnixTimeMilliseconds() + i, key, name).Event!;
                joins.Add(join);
                links = links! with { PrevEvents = [EventReference.To(join)], Depth = links.Depth + 1 };
            }

            await engine.ReceiveAsync(room, joins, CancellationToken.None);
        }

        servers.ForEach(server => server.Key.Dispose());
    }

    private static EventDraft Draft(string user, int number) => new("m.room.member", user, user, JsonElement.Parse(
        $$"""{"membership":"join","displayname":"Member {{number}}","avatar_url":"mxc://media.example/abcdefghijklmnop{{number}}"}"""));

    private async Task KnowAsync(string name, SigningKey key, DateTimeOffset now)
    {
        var publicKey = Convert.ToBase64String(key.PublicKey).TrimEnd('=');
        var answer = JsonElement.Parse(
            $$$"""
            {"server_name":"{{{name}}}","valid_until_ts":{{{(now + _validity).ToUnixTimeMilliseconds()}}},"old_verify_keys":{},
             "verify_keys":{"{{{key.KeyId}}}":{"key":"{{{publicKey}}}"} } }
            """);
        await keys.StoreAsync(
            ServerKeys.Parse(SignedJson.Sign(answer, name, key), name, now.ToUnixTimeMilliseconds()).Keys!, now.ToUnixTimeMilliseconds());
    }
}
