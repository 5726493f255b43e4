using System.Text.Json;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Sync.Encryption;

/// <summary>
/// Tells devices their to-device messages, at least once each: one is deleted when the device comes back with the token of the answer
/// that held it, for only then did the answer arrive.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging</remarks>
internal sealed class ToDeviceInboxes(Database database)
{
    // "The server should limit the number of send-to-device messages in an answer": as Synapse does.
    private const int MaxMessages = 100;
    private const int MaxDevices = 16_384;

    private readonly Lock _lock = new();

    // Devices that have nothing to delete, so that their syncs need not look.
    private readonly HashSet<long> _clean = [];

    /// <summary>Deletes what the device has by its token.</summary>
    public async Task AcknowledgeAsync(long device, long position)
    {
        lock (_lock)
        {
            if (_clean.Contains(device))
            {
                return;
            }
        }

        bool any, more;
        using (var snapshot = database.OpenSnapshot())
        {
            any = ToDeviceTable.Any(snapshot, device, position);
            more = ToDeviceTable.Any(snapshot, device, long.MaxValue);
        }

        if (any)
        {
            try
            {
                more = await database.WriteAsync(db =>
                {
                    ToDeviceTable.DeleteUpTo(db, device, position);
                    return ToDeviceTable.Any(db, device, long.MaxValue);
                });
            }
            catch (DatabaseException)
            {
                // Syncing goes on where the disk is full: what stays is deleted another time, and is not told again.
                return;
            }
        }

        if (!more)
        {
            lock (_lock)
            {
                if (_clean.Count >= MaxDevices)
                {
                    _clean.Clear();
                }

                _clean.Add(device);
            }
        }
    }

    /// <summary>What the device is told in this round.</summary>
    /// <returns>The messages, and how far the device has them once it has the answer.</returns>
    public (List<ToDeviceRow> Messages, long Position) Read(SyncRound round)
    {
        var after = round.Since?.ToDevice ?? 0;
        var (messages, more) = ToDeviceTable.Between(round.Db, round.Request.Device, after, round.UpTo.Position, MaxMessages);
        if (messages.Count == 0)
        {
            return (messages, round.UpTo.Position);
        }

        lock (_lock)
        {
            _clean.Remove(round.Request.Device);
        }

        return (messages, more ? messages[^1].Position : round.UpTo.Position);
    }

    public static void Write(Utf8JsonWriter json, List<ToDeviceRow> messages)
    {
        json.WriteStartObject("to_device"u8);
        json.WriteStartArray("events"u8);
        foreach (var message in messages)
        {
            json.WriteRawValue(message.Message, skipInputValidation: true);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
