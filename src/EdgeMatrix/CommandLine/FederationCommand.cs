using System.Globalization;
using EdgeMatrix.Configuration;
using EdgeMatrix.Federation.Sending;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Federation;

namespace EdgeMatrix.CommandLine;

/// <summary><c>federation</c>: tells how it stands with other servers, beside the running server or without one.</summary>
/// <remarks>It shows what is on the disk: who was never heard from, and moments ago, the running server knows better.</remarks>
internal sealed class FederationCommand(HomeserverOptions options, Terminal terminal, TimeProvider time)
{
    private const int ServersAtOnce = 500;

    /// <summary>Returns the exit code.</summary>
    public int Run()
    {
        using var database = ReadOnlyDatabase.Open(HomeserverParts.DatabaseOf(options));
        using var db = database.OpenSnapshot();
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var (servers, well) = (0L, 0L);
        List<KnownDestination> page;
        do
        {
            page = DestinationListing.Page(db, null, DestinationOrder.Server, backward: false, servers, ServersAtOnce);
            foreach (var one in page)
            {
                var backlog = OutgoingStream.Backlog(db, one.Server, one.Cursor.Position, long.MaxValue);
                if (backlog == 0 && one.Standing is null or { FailingSinceTs: null })
                {
                    well++;
                    continue;
                }

                terminal.Output.WriteLine(one.Server);
                terminal.Output.WriteLine($"  waiting        {backlog}");
                terminal.Output.WriteLine($"  last success   {Time(one.Cursor.SuccessTs) ?? "never"}");
                terminal.Output.WriteLine($"  failing since  {Failing(one.Standing)}");
                terminal.Output.WriteLine($"  next try       {(one.Standing is { } standing && standing.NextTs > now ? Time(standing.NextTs) : "now")}");
            }

            servers += page.Count;
        }
        while (page.Count == ServersAtOnce);

        terminal.Output.WriteLine($"{servers} other servers are known; {well} of them have everything");
        return ExitCode.Done;
    }

    private static string Failing(DestinationRow? standing) => standing switch
    {
        null => "it was never heard from",
        { FailingSinceTs: { } since } => $"{Time(since)}, {standing.Failures} times in a row",
        _ => "it does not",
    };

    private static string? Time(long? ts) =>
        ts is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) : null;
}
