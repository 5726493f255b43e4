using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Rooms.Typing;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;
using EdgeMatrix.Storage.Encryption;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Federation.Sending;

/// <summary>A transaction that was sent, and is not acknowledged.</summary>
/// <param name="SentTs">When it was first sent, ms since the Unix epoch.</param>
/// <param name="Extremities">Those that it told of, by the ids of their rooms.</param>
internal sealed record SentTransaction(string TxnId, long UpTo, long SentTs, IReadOnlyDictionary<string, List<string>> Extremities);

/// <param name="UpTo">Who has it has everything up to this stream position.</param>
/// <param name="SentTs">When it was first sent, or is now: ms since the Unix epoch.</param>
/// <param name="Body">Null: nothing of what there was is to be told any more.</param>
/// <param name="IsLasting">It tells of more than who is typing, and who is there.</param>
/// <param name="Extremities">Those that it tells of, by the ids of their rooms.</param>
internal sealed record OutgoingTransaction(
    long UpTo, long SentTs, byte[]? Body, int Pdus, int Edus, bool IsLasting, IReadOnlyDictionary<string, List<string>> Extremities);

/// <summary>Writes the bodies of <c>PUT /_matrix/federation/v1/send/{txnId}</c>.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid</remarks>
internal sealed class OutgoingTransactions(LocalServer server, KeyQueries keys, TypingUsers typing, UserPresence presence, TimeProvider time)
{
    /// <summary>A transaction that has so many bytes takes no more.</summary>
    public const int FullBytes = 256 << 10;

    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What a server is to be told next; null if there is nothing.</summary>
    /// <param name="after">Up to this position it has everything.</param>
    /// <param name="again">What was sent before, and not acknowledged: it is told again, and nothing else, so that it may have the same id.</param>
    public OutgoingTransaction? Next(Snapshot db, string destination, long after, SentTransaction? again, EphemeralNews news)
    {
        var items = OutgoingStream.Read(db, destination, after, db.Position);
        var (typists, presenceUsers, entered) = again is null ? news.Take() : ([], [], []);
        if (items.Count == 0 && typists.Count == 0 && presenceUsers.Count == 0 && entered.Count == 0)
        {
            return null;
        }

        var written = new Written();
        var end = Math.Max(after, again?.UpTo ?? db.Position);
        foreach (var item in items)
        {
            if (item.Position > end)
            {
                break;
            }

            if (!written.HasRoomFor(item))
            {
                end = written.Last;
                break;
            }

            Write(db, destination, item, written);
            written.Last = item.Position;
        }

        var isLasting = written.Last > 0;
        WriteReceipts(db, written);
        WriteEphemeral(db, typists, [.. presenceUsers.Union(Present(db, entered))], written);
        var sentTs = again?.SentTs ?? time.GetUtcNow().ToUnixTimeMilliseconds();
        var rooms = written.Rooms.Union(entered.Where(room => HasBranches(db, room)));
        var extremities = again?.Extremities ?? Extremities(db, destination, rooms);
        return new OutgoingTransaction(
            end, sentTs, written.Body(server.Name, sentTs, extremities), written.Pdus, written.Edus, isLasting, extremities);
    }

    // A server that came into a room has not been told who is there, of those who do not change now.
    private List<long> Present(Session db, IReadOnlyList<long> entered) => entered.Count == 0 ? [] :
    [
        .. presence.Since(0)
            .Where(user => server.Owns(user.Status.UserId)
                && entered.Any(room => MembershipTable.Find(db, room, user.User) is { Membership: Membership.Join }))
            .Select(user => user.User).Take(EphemeralNews.MaxUsers),
    ];

    // What its own join follows a server has, and what follows that it is told.
    private static bool HasBranches(Session db, long room) => RoomTable.Find(db, room) is { Extremities.Length: > 1 };

    // Of rooms that it is in: an event may also tell a server that it is not.
    private static Dictionary<string, List<string>> Extremities(Session db, string destination, IEnumerable<long> rooms) =>
        rooms.Take(ForwardExtremities.MaxRooms).Where(room => RoomServerTable.IsIn(db, room, destination))
            .Select(room => RoomTable.Find(db, room)).OfType<RoomRow>().ToDictionary(row => row.RoomId, row => ForwardExtremities.Of(db, row));

    private void Write(Session db, string destination, OutgoingItem item, Written written)
    {
        switch (item)
        {
            case OutgoingEvent { Room: var room, Position: var position }:
                WriteEvent(db, destination, room, position, written);
                break;
            case OutgoingReceipt receipt:
                written.Receipts.Add(receipt);
                break;
            case OutgoingMessage { Message.Content: var content }:
                written.Edu("m.direct_to_device", json => json.WriteRawValue(content, skipInputValidation: true));
                break;
            case OutgoingDeviceChange { Change: var change }:
                WriteDeviceChange(db, change, written);
                break;
        }
    }

    private void WriteEvent(Session db, string destination, long room, long position, Written written)
    {
        // It may have been deleted since, with its room or for its age.
        if (written.VersionOf(db, room) is not { } version || EventTable.Forward(db, room, position - 1, position, 1) is not [var stored])
        {
            return;
        }

        // Of its own users a server has heard before.
        var pdu = stored.Parse(version);
        if (OutgoingNews.ServerOf(pdu.Sender) == destination)
        {
            return;
        }

        written.Pdu(room, stored.Json);
        if (pdu.Type == EventTypes.Member && pdu.StateKey == pdu.Sender && server.Owns(pdu.Sender) && Memberships.Of(pdu) == Membership.Join)
        {
            WriteNewcomer(db, destination, room, pdu.Sender, stored.Replaces, version, written);
        }
    }

    // "When that user joins a room which contains servers which are not already receiving updates for that user's device list." What follows
    // nothing has a server ask for the whole list. Where no device has keys there is nothing to ask for.
    private void WriteNewcomer(
        Session db, string destination, long room, string userId, long? replaces, RoomVersion version, Written written)
    {
        var wasThere = replaces is { } nid && EventTable.Find(db, nid) is { } before && Memberships.Of(before.Parse(version)) == Membership.Join;
        if (!wasThere && UserTable.Find(db, userId) is { } user && !RoomServerTable.SharesOther(db, user, destination, room)
            && DeviceChangeTable.Last(db, user) is { } last
            && keys.Find(db, KeyQueries.AnotherServer, userId, []) is { } published && (published.Devices.Count > 0 || published.CrossSigning.Count > 0))
        {
            var change = new OutgoingDeviceChange(last with { Previous = 0 });
            if (written.HasRoomFor(change))
            {
                WriteDeviceChange(db, change.Change, written);
            }
        }
    }

    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#definition-mdevice_list_update</remarks>
    private void WriteDeviceChange(Session db, DeviceChangeRow change, Written written)
    {
        if (UserTable.Name(db, change.User) is not { } userId)
        {
            return;
        }

        if (change.DeviceId.Length == 0)
        {
            WriteCrossSigning(db, userId, written);
            return;
        }

        var isThere = DeviceTable.Find(db, change.User, change.DeviceId) is not null;
        var device = keys.Find(db, KeyQueries.AnotherServer, userId, [change.DeviceId])?.Devices is [var found] ? found : null;
        written.Edu("m.device_list_update", json =>
        {
            json.WriteStartObject();
            json.WriteString("user_id"u8, userId);
            json.WriteString("device_id"u8, change.DeviceId);
            json.WriteNumber("stream_id"u8, change.Position);
            json.WriteStartArray("prev_id"u8);
            if (change.Previous > 0)
            {
                json.WriteNumberValue(change.Previous);
            }

            json.WriteEndArray();
            if (!isThere)
            {
                json.WriteBoolean("deleted"u8, true);
            }

            if (device?.DisplayName is { } name)
            {
                json.WriteString("device_display_name"u8, name);
            }

            if (device is not null)
            {
                json.WritePropertyName("keys"u8);
                json.WriteRawValue(device.Keys, skipInputValidation: true);
            }

            json.WriteEndObject();
        });
    }

    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#definition-msigning_key_update</remarks>
    private void WriteCrossSigning(Session db, string userId, Written written)
    {
        var own = keys.Find(db, KeyQueries.AnotherServer, userId, [])?.CrossSigning ?? [];
        if (!own.Any(key => key.Usage == CrossSigningKey.Master))
        {
            return;
        }

        foreach (var type in (ReadOnlySpan<string>)["m.signing_key_update", "org.matrix.signing_key_update"])
        {
            written.Edu(type, json =>
            {
                json.WriteStartObject();
                json.WriteString("user_id"u8, userId);
                foreach (var key in own.Where(key => key.Usage != CrossSigningKey.UserSigning))
                {
                    json.WritePropertyName(key.Usage == CrossSigningKey.Master ? "master_key"u8 : "self_signing_key"u8);
                    json.WriteRawValue(key.Key, skipInputValidation: true);
                }

                json.WriteEndObject();
            });
        }
    }

    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#receipts</remarks>
    private static void WriteReceipts(Session db, Written written)
    {
        // Within one EDU a user has one receipt in a room: those in different threads stand in as many.
        var places = new Dictionary<(long, long), int>();
        foreach (var edu in written.Receipts.GroupBy(receipt =>
        {
            var key = (receipt.Room, receipt.Receipt.User);
            return places[key] = places.GetValueOrDefault(key) + 1;
        }))
        {
            written.Edu("m.receipt", json =>
            {
                json.WriteStartObject();
                foreach (var ofRoom in edu.GroupBy(receipt => receipt.Room))
                {
                    json.WriteStartObject(RoomTable.Find(db, ofRoom.Key)?.RoomId ?? "");
                    json.WriteStartObject("m.read"u8);
                    foreach (var (_, _, receipt) in ofRoom)
                    {
                        WriteReceipt(json, receipt);
                    }

                    json.WriteEndObject();
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            });
        }
    }

    private static void WriteReceipt(Utf8JsonWriter json, ReceiptRow receipt)
    {
        json.WriteStartObject(receipt.UserId);
        json.WriteStartArray("event_ids"u8);
        json.WriteStringValue(receipt.EventId);
        json.WriteEndArray();
        json.WriteStartObject("data"u8);
        json.WriteNumber("ts"u8, receipt.Ts);
        if (receipt.Thread.Length > 0)
        {
            json.WriteString("thread_id"u8, receipt.Thread);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteEphemeral(Session db, IReadOnlyList<(long Room, string UserId)> typists, IReadOnlyList<long> users, Written written)
    {
        // What finds no room is told when it next changes.
        foreach (var (nid, userId) in typists.Take(OutgoingStream.MaxEdus - 1 - written.Edus))
        {
            if (RoomTable.Find(db, nid) is { } room)
            {
                written.Edu("m.typing", json =>
                {
                    json.WriteStartObject();
                    json.WriteString("room_id"u8, room.RoomId);
                    json.WriteString("user_id"u8, userId);
                    json.WriteBoolean("typing"u8, typing.In(nid).Contains(userId));
                    json.WriteEndObject();
                });
            }
        }

        if (users.Count > 0 && written.Edus < OutgoingStream.MaxEdus)
        {
            written.Edu("m.presence", json => WritePresence(json, db, users));
        }
    }

    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#presence</remarks>
    private void WritePresence(Utf8JsonWriter json, Session db, IReadOnlyList<long> users)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        json.WriteStartObject();
        json.WriteStartArray("push"u8);
        foreach (var user in users)
        {
            if (UserTable.Name(db, user) is { } userId)
            {
                json.WriteStartObject();
                json.WriteString("user_id"u8, userId);
                presence.Get(user, userId).WriteFields(json, now);
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>A transaction as far as it is written.</summary>
    private sealed class Written
    {
        private readonly ArrayBufferWriter<byte> _pdus = new();
        private readonly ArrayBufferWriter<byte> _edus = new();
        private readonly Dictionary<long, RoomVersion?> _versions = [];
        private readonly HashSet<long> _rooms = [];
        private int _eduPlaces;
        private int _pduPlaces;

        public int Pdus { get; private set; }

        public int Edus { get; private set; }

        /// <summary>The position of what was written last; 0: nothing was.</summary>
        public long Last { get; set; }

        public List<OutgoingReceipt> Receipts { get; } = [];

        /// <summary>Nids of the rooms in which something happened.</summary>
        public IEnumerable<long> Rooms => _rooms.Concat(Receipts.Select(receipt => receipt.Room)).Distinct();

        public bool HasRoomFor(OutgoingItem item)
        {
            _pduPlaces += item.Edus == 0 ? 1 : 0;
            _eduPlaces += item.Edus;
            return _pduPlaces <= OutgoingStream.MaxPdus && _eduPlaces <= OutgoingStream.MaxEdus
                && _pdus.WrittenCount + _edus.WrittenCount < FullBytes;
        }

        public RoomVersion? VersionOf(Session db, long room)
        {
            if (!_versions.TryGetValue(room, out var version))
            {
                _versions[room] = version = RoomTable.Find(db, room) is { } row ? RoomVersions.Find(row.Version) : null;
            }

            return version;
        }

        public void Pdu(long room, ReadOnlySpan<byte> json)
        {
            _rooms.Add(room);
            _pdus.Write(Pdus++ == 0 ? ""u8 : ","u8);
            _pdus.Write(json);
        }

        public void Edu(string type, Action<Utf8JsonWriter> writeContent)
        {
            _edus.Write(Edus++ == 0 ? ""u8 : ","u8);
            using var json = new Utf8JsonWriter(_edus, _options);
            json.WriteStartObject();
            json.WriteString("edu_type"u8, type);
            json.WritePropertyName("content"u8);
            writeContent(json);
            json.WriteEndObject();
        }

        /// <param name="extremities">Of rooms in which something happened.</param>
        /// <returns>Null if it tells of nothing.</returns>
        public byte[]? Body(string origin, long sentTs, IReadOnlyDictionary<string, List<string>> extremities)
        {
            if (Pdus == 0 && Edus == 0 && extremities.Count == 0)
            {
                return null;
            }

            var body = new ArrayBufferWriter<byte>(_pdus.WrittenCount + _edus.WrittenCount + 256);
            using (var json = new Utf8JsonWriter(body, _options))
            {
                json.WriteStartObject();
                json.WriteString("origin"u8, origin);
                json.WriteNumber("origin_server_ts"u8, sentTs);
                json.WritePropertyName("pdus"u8);
                json.WriteRawValue([(byte)'[', .. _pdus.WrittenSpan, (byte)']'], skipInputValidation: true);
                if (Edus > 0)
                {
                    json.WritePropertyName("edus"u8);
                    json.WriteRawValue([(byte)'[', .. _edus.WrittenSpan, (byte)']'], skipInputValidation: true);
                }

                ForwardExtremities.Write(json, extremities);
                json.WriteEndObject();
            }

            return body.WrittenSpan.ToArray();
        }
    }
}
