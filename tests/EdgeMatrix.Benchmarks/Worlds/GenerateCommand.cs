using System.Diagnostics;

namespace EdgeMatrix.Benchmarks.Worlds;

/// <summary><c>generate FOLDER</c>: one large room with members, bans, messages and edits, and small ones beside it.</summary>
internal static class GenerateCommand
{
    // As many as the writer commits in one group.
    public const int AtOnce = 256;

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0)
        {
            System.Console.Error.WriteLine("generate: which folder?");
            return 2;
        }

        var options = new Options([.. arguments.Skip(1)], "members", "bans", "messages", "edits", "rooms");
        var members = options.Number("members", 10_000);
        var messages = options.Number("messages", 5_000);
        var watch = Stopwatch.StartNew();
        await using var world = await EngineWorld.OpenAsync(arguments[0]);
        var owner = await world.AddUserAsync("owner");
        var room = await world.CreateRoomAsync(owner, "The large room");
        var people = Enumerable.Range(0, members).Select(i => world.AddUserAsync($"member{i}", silent: true).Result).ToArray();
        await Windows.ForAsync(members, AtOnce, i => world.JoinAsync(room, people[i]));
        await Windows.ForAsync(Math.Min(options.Number("bans", members / 100), members), AtOnce, i => world.BanAsync(room, owner, people[i]));

        var sent = new string[messages];
        await Windows.ForAsync(messages, AtOnce, async i => sent[i] = await world.SendTextAsync(room, owner, Texts.Message(i)));
        await Windows.ForAsync(
            Math.Min(options.Number("edits", messages / 20), messages), AtOnce, i => world.EditAsync(room, owner, sent[i], Texts.Message(-i)));

        await Windows.ForAsync(options.Number("rooms", 100), 8, async i =>
        {
            var small = await world.CreateRoomAsync(owner, $"Room {i}");
            await world.SendAsync(small, owner, Texts.Message(i));
        });

        System.Console.WriteLine($"{room} with {members} members and {messages} messages in {watch.Elapsed.TotalSeconds:F1} s; token of {owner.Id}: {owner.Token}");
        return 0;
    }
}
