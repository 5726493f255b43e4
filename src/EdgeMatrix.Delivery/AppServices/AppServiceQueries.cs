using System.Net;
using System.Text.Json;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Outbound;

namespace EdgeMatrix.Delivery.AppServices;

/// <summary>What came of asking application services whether something of their namespaces should exist.</summary>
public enum QueryVerdict
{
    /// <summary>None has it.</summary>
    Unknown,

    /// <summary>One has it, and has made it before it answered.</summary>
    Made,

    /// <summary>One that may have it did not answer.</summary>
    NoAnswer,
}

/// <summary>Whether the ping reached the application service, and what it answered.</summary>
/// <param name="Failure">Null if there was an answer.</param>
/// <param name="Status">Null if there was none.</param>
public sealed record PingOutcome(OutboundFailure? Failure, HttpStatusCode? Status, byte[] Body, long DurationMs);

/// <summary>Asks application services for users and aliases that are not here, and whether they are there.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#querying</remarks>
public sealed class AppServiceQueries(KnownAppServices services, AppServiceClient client, AppServiceDelivery delivery, TimeProvider time)
{
    private const int Attempts = 3;

    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    /// <summary>Asks for a user of this server who has no account.</summary>
    public Task<QueryVerdict> UserAsync(string userId, CancellationToken cancellation) =>
        AskAsync(service => service.IsUser(userId), $"/users/{Uri.EscapeDataString(userId)}", cancellation);

    /// <summary>Asks for an alias of this server that is not known.</summary>
    public Task<QueryVerdict> AliasAsync(string alias, CancellationToken cancellation) =>
        AskAsync(service => service.IsAlias(alias), $"/rooms/{Uri.EscapeDataString(alias)}", cancellation);

    /// <summary>Calls an application service that asks to be called.</summary>
    /// <param name="transactionId">Handed on; null for none.</param>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#pinging</remarks>
    public async Task<PingOutcome> PingAsync(AppService service, string? transactionId, CancellationToken cancellation)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            if (transactionId is not null)
            {
                json.WriteString("transaction_id"u8, transactionId);
            }

            json.WriteEndObject();
        }

        var start = time.GetTimestamp();
        try
        {
            var (status, answer) = await client.SendAsync(
                service, HttpMethod.Post, "/_matrix/app/v1/ping", earlierPath: null, "", body.ToArray(), _timeout, cancellation);
            if ((int)status is >= 200 and < 300)
            {
                delivery.Heard(service);
            }

            return new PingOutcome(null, status, answer, (long)time.GetElapsedTime(start).TotalMilliseconds);
        }
        catch (OutboundException failure)
        {
            return new PingOutcome(failure.Failure, null, [], (long)time.GetElapsedTime(start).TotalMilliseconds);
        }
    }

    private async Task<QueryVerdict> AskAsync(Func<AppService, bool> mayHave, string path, CancellationToken cancellation)
    {
        var verdict = QueryVerdict.Unknown;
        foreach (var service in services.All.Where(service => service.Registration.Url is not null && mayHave(service)))
        {
            switch (await AskAsync(service, path, cancellation))
            {
                case true:
                    return QueryVerdict.Made;
                case null:
                    verdict = QueryVerdict.NoAnswer;
                    break;
            }
        }

        return verdict;
    }

    /// <returns>Whether it has it; null if it does not answer.</returns>
    private async Task<bool?> AskAsync(AppService service, string path, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var (status, _) = await client.SendAsync(service, HttpMethod.Get, "/_matrix/app/v1" + path, path, "", null, _timeout, cancellation);
                return (int)status is >= 200 and < 300;
            }
            catch (OutboundException) when (attempt < Attempts)
            {
                // "the homeserver should retry several times before timing out."
                await Task.Delay(_pause, time, cancellation);
            }
            catch (OutboundException)
            {
                return null;
            }
        }
    }
}
