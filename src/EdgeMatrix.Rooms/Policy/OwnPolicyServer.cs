using System.Text.Json;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Auth;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Policy;

/// <summary>This server as the policy server of rooms that name it: signs the events that it recommends.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#policy-servers</remarks>
public sealed class OwnPolicyServer : IDisposable
{
    private static readonly string[] _texts = ["body", "formatted_body", "name", "topic", "displayname", "reason"];

    private readonly Database _database;
    private readonly LocalServer _server;
    private readonly PolicyRules _rules;
    private readonly SigningKey? _key;
    private readonly Glob[] _words;
    private readonly BoundedCache<string, PolicyList> _lists = new("policy_lists", wanted: 1 << 20, least: 16 << 10);

    /// <param name="key">Named <see cref="PolicyServer.KeyId"/>; another than the server signs requests with: "this is to keep 'can send federation traffic' and 'can recommend events' separate". Null: it is no policy server.</param>
    public OwnPolicyServer(Database database, LocalServer server, PolicyRules rules, SigningKey? key)
    {
        (_database, _server, _rules, _key) = (database, server, rules, key);
        _words = [.. rules.Words.Select(word => new Glob($"*{word}*"))];
        database.Memory.Add(_lists);
    }

    public bool IsEnabled => _key is not null;

    /// <summary>What rooms are to have in <c>m.room.policy</c>.</summary>
    public string PublicKey => _key is null ? "" : UnpaddedBase64.Encode(_key.PublicKey);

    /// <summary>Signs an event that holds, if its room asks this server and nothing speaks against it.</summary>
    /// <returns>The event with the signature; or why there is none, of kind <see cref="RefusalKind.NotFound"/> where the room does not ask this server.</returns>
    public Outcome<Pdu> Sign(Room room, Pdu candidate)
    {
        using (var snapshot = _database.OpenSnapshot())
        {
            if (_key is null
                || RoomTable.Find(snapshot, room.Nid) is not { } row
                || RoomPolicy.Of(snapshot, room, _server, row.State) is not { } policy
                || policy.Name != _server.Name
                || !policy.PublicKey.Span.SequenceEqual(_key.PublicKey))
            {
                return Refusal.NotFound("This server is not the policy server of the room");
            }

            if (!IsExempt(snapshot, room, row, candidate) && Objection(snapshot, candidate) is { } objection)
            {
                return Refusal.Forbidden(objection);
            }
        }

        return EventSignatures.Add(candidate, _server.Name, _key);
    }

    public void Dispose() => _key?.Dispose();

    // Whoever can ban is not to be kept from it by mistake; and nobody from leaving.
    private static bool IsExempt(Session db, Room room, RoomRow row, Pdu candidate)
    {
        StateLookup state = (type, stateKey) => RoomStateReader.Find(db, room.Version, row.State, type, stateKey);
        var powerLevels = PowerLevels.From(room.Version, state(EventTypes.PowerLevels, ""), state(EventTypes.Create, "")!);
        return powerLevels.ForUser(candidate.Sender) >= powerLevels.Ban
            || (candidate.Type == EventTypes.Member && candidate.StateKey == candidate.Sender && JsonContent.Text(candidate.Content, "membership") == "leave");
    }

    private string? Objection(Session db, Pdu candidate)
    {
        if (_rules.Lists.Any(list => List(db, list)?.Bans(candidate.Sender) == true))
        {
            return "The sender is banned by a moderation policy list of the policy server";
        }

        if (_rules.MaxMentions is { } most
            && candidate.Content.TryGetProperty("m.mentions"u8, out var mentions) && mentions.ValueKind == JsonValueKind.Object
            && mentions.TryGetProperty("user_ids"u8, out var users) && users.ValueKind == JsonValueKind.Array
            && users.GetArrayLength() > most)
        {
            return $"The event mentions more than {most} users";
        }

        return Array.Exists(_words, word => Texts(candidate.Content).Any(word.IsMatch)) ? "The event has words that the policy server refuses" : null;
    }

    private static IEnumerable<string> Texts(JsonElement content) =>
        _texts.Select(name => JsonContent.Text(content, name)).OfType<string>();

    private PolicyList? List(Session db, string roomId)
    {
        if (RoomTable.Find(db, roomId) is not { } row)
        {
            return null;
        }

        if (_lists.TryGet(roomId, out var known) && known.State == row.State)
        {
            return known;
        }

        var list = PolicyList.Read(db, row);
        _lists.Set(roomId, list, list.Bytes);
        return list;
    }
}
