using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Rooms.Typing;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.AppServices;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Delivery.AppServices;

/// <param name="UpTo">The position in the queue that it goes to; 0 if it takes nothing from there.</param>
/// <param name="Body">Null: there was something, but nothing of it is to be told any more.</param>
/// <param name="Messages">Positions of messages to devices that nobody else is to be told.</param>
internal sealed record AppServiceTransaction(long UpTo, byte[]? Body, IReadOnlyList<long> Messages);

/// <summary>Writes the bodies of <c>PUT /_matrix/app/v1/transactions/{txnId}</c>.</summary>
/// <remarks>
/// Beside events and ephemeral data, by their names of before a release: messages to devices (MSC4203), whose devices changed and how many keys
/// are left (MSC3202). Spec: https://spec.matrix.org/v1.19/application-service-api/#put_matrixappv1transactionstxnid
/// </remarks>
internal sealed class AppServiceTransactions(RoomEngine engine, RoomInterest interest, TypingUsers typing, UserPresence presence)
{
    /// <summary>The most that one transaction tells of.</summary>
    public const int MaxNews = 100;

    /// <summary>A transaction that has so many bytes takes no more.</summary>
    public const int FullBytes = 1 << 20;

    // Of a larger room some may go on being taken for known; they are told again when they next change.
    private const int MaxParted = 1_000;

    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What is to be told next; null if there is nothing.</summary>
    public AppServiceTransaction? Next(Session db, AppService service, EphemeralNews news)
    {
        var rows = AppServiceQueueTable.First(db, service.Nid, MaxNews);
        var (typingRooms, presenceUsers) = news.Take();
        if (rows.Count == 0 && typingRooms.Count == 0 && presenceUsers.Count == 0)
        {
            return null;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, _options);
        var told = new Told();
        json.WriteStartObject();
        json.WriteStartArray("events"u8);
        long upTo = 0;
        foreach (var row in rows)
        {
            if (json.BytesCommitted + json.BytesPending + told.MessageBytes >= FullBytes)
            {
                break;
            }

            Tell(db, service, row, json, told);
            upTo = row.Position;
        }

        json.WriteEndArray();
        var ephemeral = Ephemeral(db, service, told, typingRooms, presenceUsers);
        if (service.Registration.ReceiveEphemeral)
        {
            WriteAll(json, "ephemeral"u8, ephemeral);
        }

        if (service.Registration.PushEphemeral)
        {
            WriteAll(json, "de.sorunome.msc2409.ephemeral"u8, ephemeral);
        }

        WriteAll(json, "de.sorunome.msc2409.to_device"u8, told.Messages);
        WriteDeviceLists(json, told);
        WriteKeyCounts(json, db, told.Devices);
        json.WriteEndObject();
        json.Flush();
        var isEmpty = told.Events == 0 && ephemeral.Count == 0 && told.Messages.Count == 0 && told.Changed.Count == 0 && told.Left.Count == 0
            && told.Devices.Count == 0;
        return new AppServiceTransaction(upTo, isEmpty ? null : buffer.WrittenSpan.ToArray(), told.Delivered);
    }

    private void Tell(Session db, AppService service, AppServiceNewsRow row, Utf8JsonWriter json, Told told)
    {
        switch (row.Kind)
        {
            case AppServiceNewsKind.Event:
                TellEvent(db, service, row.Subject, json, told);
                break;
            case AppServiceNewsKind.Receipt:
                // One that has moved on since has a place of its own.
                if (RoomTable.Find(db, row.Subject) is { } room)
                {
                    told.Receipts.AddRange(ReceiptTable.Since(db, room.Nid, row.Position - 1, row.Position).Select(receipt => (room.RoomId, receipt)));
                }

                break;
            case AppServiceNewsKind.ToDevice:
                TellMessage(db, service, row, told);
                break;
            case AppServiceNewsKind.DeviceList:
                told.Change(UserTable.Name(db, row.Subject)!);
                break;
            case AppServiceNewsKind.KeyCounts:
                told.Devices.Add(row.Subject);
                break;
        }
    }

    private void TellEvent(Session db, AppService service, long nid, Utf8JsonWriter json, Told told)
    {
        // It may have been deleted since, with its room or for its age.
        if (EventTable.Find(db, nid) is not { } stored || RoomTable.Find(db, stored.Room) is not { } row || engine.Find(db, row) is not { } room)
        {
            return;
        }

        var writer = new ClientEventWriter(db, room, device: 0, engine.Time.GetUtcNow().ToUnixTimeMilliseconds());
        var pdu = stored.Parse(room.Version);
        if (pdu is { Type: EventTypes.Member, StateKey: { } user })
        {
            var membership = Memberships.Of(pdu);
            if (membership == Membership.Invite && service.IsUser(user))
            {
                writer.InviteRoomState = StrippedState.Of(db, row, stored, pdu.Sender, user);
            }

            if (service.Registration.Encryption)
            {
                NoteMoved(db, service, room, stored, user, membership, told);
            }
        }

        writer.Write(json, stored, withRoomId: true);
        told.Events++;
    }

    /// <summary>Who comes may have other devices than when they were last here; whoever shares no room any longer is not told of.</summary>
    private void NoteMoved(
        Session db, AppService service, Room room, StoredEvent member, string userId, Membership membership, Told told)
    {
        if (member.Replaces is { } replaced && EventTable.Find(db, replaced) is { } before && Memberships.Of(before.Parse(room.Version)) == membership)
        {
            return;
        }

        if (membership == Membership.Join)
        {
            told.Change(userId);
            return;
        }

        if (membership is not (Membership.Leave or Membership.Ban))
        {
            return;
        }

        // Where a user of the application service goes, it may be the last who kept it in the room.
        IEnumerable<long?> parted = service.IsUser(userId)
            ? MembershipTable.InRoom(db, room.Nid, Membership.Join, MaxParted).Select(member => (long?)member.User)
            : [UserTable.Find(db, userId)];
        foreach (var user in parted)
        {
            if (user is { } nid && UserTable.Name(db, nid) is { } name && !interest.IsOfUser(db, service, nid, name))
            {
                told.Leave(name);
            }
        }
    }

    private static void TellMessage(Session db, AppService service, AppServiceNewsRow row, Told told)
    {
        if (ToDeviceTable.At(db, row.Subject, row.Position) is not { } message || DeviceTable.Owner(db, row.Subject) is not { } owner)
        {
            return;
        }

        var written = Write(json =>
        {
            json.WriteStartObject();
            foreach (var property in JsonElement.Parse(message).EnumerateObject())
            {
                property.WriteTo(json);
            }

            json.WriteString("to_user_id"u8, owner.UserId);
            json.WriteString("to_device_id"u8, owner.DeviceId);
            json.WriteEndObject();
        });
        told.Messages.Add(written);
        told.MessageBytes += written.Length;
        told.Devices.Add(row.Subject);

        // Users whom nobody else may be do not sync; of others a client may be waiting for the message.
        if (service.OwnsUser(owner.UserId))
        {
            told.Delivered.Add(row.Position);
        }
    }

    private List<byte[]> Ephemeral(Session db, AppService service, Told told, HashSet<long> typingRooms, HashSet<long> presenceUsers)
    {
        var events = new List<byte[]>();
        foreach (var ofRoom in told.Receipts.GroupBy(receipt => receipt.RoomId))
        {
            // Within one event a user has one receipt of a kind, so that those of different threads cannot share it.
            events.AddRange(ofRoom.GroupBy(receipt => receipt.Receipt.Thread)
                .Select(thread => Write(json => EphemeralJson.WriteReceipts(json, thread.Select(receipt => receipt.Receipt), ofRoom.Key))));
        }

        foreach (var nid in typingRooms)
        {
            if (RoomTable.Find(db, nid) is { } room && interest.Is(db, service, nid, room.RoomId))
            {
                events.Add(Write(json => EphemeralJson.WriteTyping(json, typing.In(nid), room.RoomId)));
            }
        }

        foreach (var user in presenceUsers)
        {
            if (UserTable.Name(db, user) is { } name && interest.IsOfUser(db, service, user, name))
            {
                var now = engine.Time.GetUtcNow().ToUnixTimeMilliseconds();
                events.Add(Write(json => EphemeralJson.WritePresence(json, presence.Get(user, name), now)));
            }
        }

        return events;
    }

    private static void WriteDeviceLists(Utf8JsonWriter json, Told told)
    {
        if (told.Changed.Count == 0 && told.Left.Count == 0)
        {
            return;
        }

        json.WriteStartObject("org.matrix.msc3202.device_lists"u8);
        WriteNames("changed"u8, told.Changed);
        WriteNames("left"u8, told.Left);
        json.WriteEndObject();

        void WriteNames(ReadOnlySpan<byte> name, HashSet<string> users)
        {
            json.WriteStartArray(name);
            foreach (var user in users)
            {
                json.WriteStringValue(user);
            }

            json.WriteEndArray();
        }
    }

    private static void WriteKeyCounts(Utf8JsonWriter json, Session db, HashSet<long> devices)
    {
        var users = devices
            .Select(device => (Owner: DeviceTable.Owner(db, device), Counts: KeyCounts.Read(db, device)))
            .Where(device => device.Owner is not null)
            .GroupBy(device => device.Owner!.Value.UserId, device => (device.Owner!.Value.DeviceId, device.Counts))
            .ToList();
        if (users.Count == 0)
        {
            return;
        }

        Write("org.matrix.msc3202.device_one_time_keys_count"u8, counts =>
        {
            // Of none there is to be told too: then more are wanted.
            json.WriteStartObject();
            foreach (var (algorithm, count) in counts.OneTimeKeys.Any(key => key.Algorithm == "signed_curve25519")
                ? counts.OneTimeKeys
                : [.. counts.OneTimeKeys, ("signed_curve25519", 0)])
            {
                json.WriteNumber(algorithm, count);
            }

            json.WriteEndObject();
        });
        Write("org.matrix.msc3202.device_unused_fallback_key_types"u8, counts =>
        {
            json.WriteStartArray();
            foreach (var algorithm in counts.UnusedFallbackKeys)
            {
                json.WriteStringValue(algorithm);
            }

            json.WriteEndArray();
        });

        void Write(ReadOnlySpan<byte> name, Action<KeyCounts> write)
        {
            json.WriteStartObject(name);
            foreach (var user in users)
            {
                json.WriteStartObject(user.Key);
                foreach (var (deviceId, counts) in user)
                {
                    json.WritePropertyName(deviceId);
                    write(counts);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }
    }

    private static void WriteAll(Utf8JsonWriter json, ReadOnlySpan<byte> name, List<byte[]> values)
    {
        if (values.Count == 0)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteRawValue(value, skipInputValidation: true);
        }

        json.WriteEndArray();
    }

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, _options))
        {
            write(json);
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>What a transaction tells of besides its events.</summary>
    private sealed class Told
    {
        public int Events { get; set; }

        public List<(string RoomId, ReceiptRow Receipt)> Receipts { get; } = [];

        public List<byte[]> Messages { get; } = [];

        public int MessageBytes { get; set; }

        public List<long> Delivered { get; } = [];

        public HashSet<string> Changed { get; } = new(StringComparer.Ordinal);

        public HashSet<string> Left { get; } = new(StringComparer.Ordinal);

        public HashSet<long> Devices { get; } = [];

        public void Change(string userId)
        {
            Changed.Add(userId);
            Left.Remove(userId);
        }

        public void Leave(string userId)
        {
            Left.Add(userId);
            Changed.Remove(userId);
        }
    }
}
