using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Federation;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Sending;

/// <summary>Reads what a server is to be told after a position of the stream, in its order, from where it stands.</summary>
public static class OutgoingStream
{
    /// <summary>"They can have at most 50 PDUs and 100 EDUs."</summary>
    public const int MaxPdus = 50;

    /// <inheritdoc cref="MaxPdus"/>
    public const int MaxEdus = 100;

    /// <summary>Of a room of which a server lacks more events than that, it gets the newest; by that it sees what it lacks, and asks for what it wants of it.</summary>
    public const int MaxBehind = 500;

    /// <summary>As much as one transaction can hold, and the next, by which it shows that there is more.</summary>
    /// <param name="now">A position that everything is below.</param>
    internal static List<OutgoingItem> Read(Session db, string server, long after, long now)
    {
        var items = new List<OutgoingItem>();
        foreach (var window in OutgoingEventTable.Windows(db, server, after))
        {
            var (from, to) = (Math.Max(after, window.Since), Math.Min(now, window.Until ?? long.MaxValue));
            if (from < to)
            {
                items.AddRange(Events(db, window.Room, from, to).Select(position => new OutgoingEvent(position, window.Room)));
                items.AddRange(ReceiptTable.OfLocals(db, window.Room, from, to, MaxEdus + 1)
                    .Select(receipt => new OutgoingReceipt(receipt.Position, window.Room, receipt.Receipt)));
            }
        }

        items.AddRange(OutgoingEventTable.Strangers(db, server, after, now, MaxPdus + 1).Select(e => new OutgoingEvent(e.Position, e.Room)));
        items.AddRange(OutgoingMessageTable.Between(db, server, after, now, MaxEdus + 1).Select(message => new OutgoingMessage(message)));
        items.AddRange(DeviceChangeTable.Between(db, server, after, now, MaxEdus + 1).Select(change => new OutgoingDeviceChange(change)));
        items.Sort(static (one, other) => one.Position.CompareTo(other.Position));
        return items;
    }

    /// <summary>How many events and messages to devices a server lacks.</summary>
    public static long Backlog(Session db, string server, long after, long now) =>
        OutgoingMessageTable.Count(db, server, after)
        + OutgoingEventTable.Windows(db, server, after)
            .Sum(window => OutgoingEventTable.Count(
                db, window.Room, Math.Max(after, window.Since), Math.Min(now, window.Until ?? long.MaxValue)));

    private static List<long> Events(Session db, long room, long from, long to)
    {
        var positions = OutgoingEventTable.Between(db, room, from, to, MaxPdus + 1);
        return positions.Count > MaxPdus && OutgoingEventTable.HasMoreThan(db, room, from, to, MaxBehind)
            ? [OutgoingEventTable.LastBetween(db, room, from, to)!.Value]
            : positions;
    }
}
