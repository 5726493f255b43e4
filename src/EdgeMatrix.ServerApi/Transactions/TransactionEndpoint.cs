using System.Text.Json;
using EdgeMatrix.Federation.Receiving;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Transactions;

/// <summary><c>PUT /_matrix/federation/v1/send/{txnId}</c>: what happened at another server, as it happens.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid</remarks>
internal static class TransactionEndpoint
{
    private const int MaxTransactionIdLength = 255;

    public static async Task<IResult> Receive(
        string transactionId,
        string origin,
        JsonElement body,
        IncomingTransactions transactions,
        ExtremityExchange extremities,
        CancellationToken cancellation)
    {
        var (pdus, edus) = (List(body, "pdus"), List(body, "edus"));
        if (pdus is null || edus is null || transactionId.Length > MaxTransactionIdLength)
        {
            return MatrixError.BadJson("pdus and edus must be lists, and the transaction id short");
        }

        if (pdus.Count > IncomingTransactions.MaxPdus || edus.Count > IncomingTransactions.MaxEdus)
        {
            return MatrixError.InvalidParam(
                $"A transaction has {IncomingTransactions.MaxPdus} PDUs at most, and {IncomingTransactions.MaxEdus} EDUs");
        }

        var results = await transactions.ReceiveAsync(origin, transactionId, pdus, edus, cancellation);

        // Whoever tells where its rooms end wants to know where ours do.
        var told = ForwardExtremities.Read(body);
        extremities.Told(origin, told);
        var own = told.Count == 0 ? [] : extremities.Own(origin, told.Keys);
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("pdus"u8);
            foreach (var (eventId, error) in results)
            {
                json.WriteStartObject(eventId);
                if (error is not null)
                {
                    json.WriteString("error"u8, error);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
            ForwardExtremities.Write(json, own);
            json.WriteEndObject();
        });
    }

    /// <summary>An empty list where there is none; null where it is something else.</summary>
    private static List<JsonElement>? List(JsonElement body, string name) =>
        !body.TryGetProperty(name, out var list) ? [] : list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()] : null;
}
