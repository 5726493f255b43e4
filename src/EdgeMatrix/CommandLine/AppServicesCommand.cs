using System.Globalization;
using EdgeMatrix.Configuration;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.AppServices;

namespace EdgeMatrix.CommandLine;

/// <summary><c>appservices</c>: tells how it stands with every application service that is configured, beside the running server or without one.</summary>
internal sealed class AppServicesCommand(HomeserverOptions options, Terminal terminal)
{
    /// <summary>Returns the exit code.</summary>
    public int Run()
    {
        using var database = ReadOnlyDatabase.Open(HomeserverParts.DatabaseOf(options));
        using var db = database.OpenSnapshot();
        var known = AppServiceTable.All(db);
        foreach (var service in options.AppServices.Registrations)
        {
            var row = known.TryGetValue(service.Id, out var nid) ? AppServiceTable.Find(db, nid) : null;
            terminal.Output.WriteLine(service.Id);
            terminal.Output.WriteLine($"  url            {service.Url?.AbsoluteUri ?? "none: it is told nothing"}");
            terminal.Output.WriteLine($"  sender         {service.SenderLocalpart}");
            terminal.Output.WriteLine($"  waiting        {(row is null ? 0 : AppServiceQueueTable.Count(db, nid))}{(row?.TxnId is null ? "" : $", and transaction {row.TxnId}")}");
            terminal.Output.WriteLine($"  last success   {Time(row?.LastSuccessTs) ?? "never"}");
            terminal.Output.WriteLine($"  failing since  {Time(row?.FailingSinceTs) ?? "it does not"}");
        }

        return ExitCode.Done;
    }

    private static string? Time(long? ts) =>
        ts is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) : null;
}
