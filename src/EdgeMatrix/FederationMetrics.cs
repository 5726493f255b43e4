using EdgeMatrix.Console.Measuring;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Federation.Sending;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix;

/// <summary>What <c>/metrics</c> says of other servers.</summary>
internal static class FederationMetrics
{
    /// <summary>So many servers that are behind are told of one by one.</summary>
    private const int MostServers = 50;

    public static void Register(Metrics metrics, ReceivedCounts counts, Database database)
    {
        foreach (var (outcome, name) in ((ReceiptOutcome, string)[])
            [
                (ReceiptOutcome.Accepted, "accepted"),
                (ReceiptOutcome.Rejected, "rejected"),
                (ReceiptOutcome.SoftFailed, "soft_failed"),
                (ReceiptOutcome.Dropped, "dropped"),
            ])
        {
            metrics.Counter(
                "edgematrix_received_pdus_total", "Events of other servers, by what came of them.", $"outcome=\"{name}\"", () => counts.Of(outcome));
        }

        metrics.Gauge("edgematrix_waiting_pdus", "Events of other servers that wait for what they follow.", () =>
        {
            using var snapshot = database.OpenSnapshot();
            return WaitingEventTable.Count(snapshot);
        });
        metrics.Gauge("edgematrix_partial_rooms", "Rooms of other servers whose members are being fetched.", () =>
        {
            using var snapshot = database.OpenSnapshot();
            return PartialRoomTable.All(snapshot).Count;
        });
        metrics.Counter("edgematrix_missing_event_requests_total", "Requests to other servers for events that are missing here.", () => counts.Requests);
    }

    public static void Register(Metrics metrics, IncomingEdus edus)
    {
        foreach (var type in edus.Types)
        {
            metrics.Counter(
                "edgematrix_federation_edus_received_total",
                "Ephemeral data units that other servers sent, by type.",
                $"type=\"{type}\"",
                () => edus.CountsOf(type).Received);
            metrics.Counter(
                "edgematrix_federation_edus_refused_total",
                "Of these, such as nothing was taken of: malformed, or not for their server to tell.",
                $"type=\"{type}\"",
                () => edus.CountsOf(type).Refused);
        }

        metrics.Counter(
            "edgematrix_federation_edus_unknown_total", "Ephemeral data units of types that are not known here.", () => edus.Unknown);
    }

    public static void Register(Metrics metrics, Outbox outbox)
    {
        metrics.Counter("edgematrix_federation_transactions_sent_total", "Transactions that other servers acknowledged.", () => outbox.TransactionsSent);
        metrics.Counter("edgematrix_federation_pdus_sent_total", "Events in transactions that other servers acknowledged.", () => outbox.PdusSent);
        metrics.Counter("edgematrix_federation_edus_sent_total", "EDUs in transactions that other servers acknowledged.", () => outbox.EdusSent);
        metrics.Counter("edgematrix_federation_pdus_refused_total", "Events in them that they would not have.", () => outbox.PdusRefused);
        metrics.Gauge("edgematrix_federation_destinations_behind", "Other servers that are still to be told something.", () => outbox.Behind);
        Of("backlog", "Events, and messages to devices, that the server is still to be told of.", state => state.Backlog);
        Of(
            "last_success_seconds",
            "When the server last took something, in seconds since the Unix epoch; 0: never.",
            state => (state.LastSuccessTs ?? 0) / 1_000.0);
        Of("failures", "How often in a row the server was not reached.", state => state.Failures);
        Of(
            "next_try_seconds",
            "When the server is tried again, in seconds since the Unix epoch; 0: it is not left alone.",
            state => state.NextTs / 1_000.0);

        void Of(string name, string help, Func<OutboxState, double> value) => metrics.Gauges(
            $"edgematrix_federation_destination_{name}",
            $"Of servers that are behind, {MostServers} at most: {help}",
            () => outbox.StatesOfBehind(MostServers).Select(state => ($"server=\"{state.Server}\"", value(state))));
    }
}
