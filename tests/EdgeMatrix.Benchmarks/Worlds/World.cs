using EdgeMatrix.Benchmarks.Http;

namespace EdgeMatrix.Benchmarks.Worlds;

/// <summary>What the server benchmark works on. Alice and Bob have the small room alone; Carol is in the large one alone.</summary>
/// <param name="Everyone">Users who are all in <paramref name="Busy"/>, each of them also in one of <paramref name="Eight"/>.</param>
/// <param name="Members">How many are in <paramref name="Large"/>.</param>
/// <param name="Newcomer">In no room.</param>
/// <param name="Traveller">In many rooms, each as its creation left it and with one message.</param>
internal sealed record World(
    MatrixUser Alice,
    MatrixUser Bob,
    MatrixUser Carol,
    MatrixUser Dora,
    MatrixUser Newcomer,
    MatrixUser Traveller,
    IReadOnlyList<MatrixUser> Everyone,
    string Small,
    string Large,
    int Members,
    string Busy,
    IReadOnlyList<string> Eight)
{
    public const int Listeners = 50;

    private const int SmallEvents = 3_200;
    private const int LargeMessages = 200;

    public static async Task<World> BuildAsync(IWorldBuilder builder, int members, int rooms)
    {
        var alice = await builder.AddUserAsync("alice");
        var bob = await builder.AddUserAsync("bob");
        var carol = await builder.AddUserAsync("carol");
        var dora = await builder.AddUserAsync("dora");
        var newcomer = await builder.AddUserAsync("newcomer");
        var traveller = await builder.AddUserAsync("traveller");

        var small = await builder.CreateRoomAsync(alice, "Small");
        await builder.JoinAsync(small, bob);
        for (var i = 0; i < SmallEvents; i++)
        {
            await builder.SendAsync(small, i % 2 == 0 ? alice : bob, Texts.Message(i));
        }

        var large = await builder.CreateRoomAsync(carol, "Large");
        await builder.JoinAsync(large, dora);
        for (var i = 2; i < members; i++)
        {
            await builder.JoinAsync(large, await builder.AddUserAsync($"member{i}", silent: true));
        }

        for (var i = 0; i < LargeMessages; i++)
        {
            await builder.SendAsync(large, i % 2 == 0 ? carol : dora, Texts.Message(i));
        }

        for (var i = 0; i < rooms; i++)
        {
            await builder.SendAsync(await builder.CreateRoomAsync(traveller, $"Room {i}"), traveller, Texts.Message(i));
        }

        var everyone = new List<MatrixUser>();
        var busy = "";
        var eight = new List<string>();
        for (var i = 0; i < Listeners; i++)
        {
            everyone.Add(await builder.AddUserAsync($"listener{i}"));
            busy = i == 0 ? await builder.CreateRoomAsync(everyone[0], "Busy") : busy;
            await builder.JoinAsync(busy, everyone[i]);
            if (i < 8)
            {
                eight.Add(await builder.CreateRoomAsync(everyone[i], $"Own room {i}"));
            }
        }

        return new World(alice, bob, carol, dora, newcomer, traveller, everyone, small, large, Math.Max(members, 2), busy, eight);
    }
}
