using System.Text.Json;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.Rooms.Policy;

/// <summary>The users and servers that a moderation policy room has banned.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#moderation-policy-lists</remarks>
internal sealed class PolicyList
{
    private const int MaxRules = 10_000;
    private const int RuleBytes = 400;

    private readonly List<Glob> _users = [];
    private readonly List<Glob> _servers = [];

    private PolicyList(long state) => State = state;

    /// <summary>The node of the state that it was read from.</summary>
    public long State { get; }

    /// <summary>About what it takes of the memory.</summary>
    public long Bytes => (_users.Count + _servers.Count) * (long)RuleBytes;

    public static PolicyList Read(Session db, RoomRow room)
    {
        var list = new PolicyList(room.State);
        StateNodes.ForEach(db, room.State, entry =>
        {
            if (list._users.Count + list._servers.Count < MaxRules
                && EventTable.StateKeyOf(db, entry.Event) is ("m.policy.rule.user" or "m.policy.rule.server", _) key
                && EventTable.Find(db, entry.Event) is { } stored)
            {
                list.Add(key.Type, JsonElement.Parse(stored.Json).GetProperty("content"));
            }
        });
        return list;
    }

    public bool Bans(string userId) =>
        _users.Exists(rule => rule.IsMatch(userId)) || _servers.Exists(rule => rule.IsMatch(userId[(userId.IndexOf(':') + 1)..]));

    private void Add(string type, JsonElement content)
    {
        // "m.ban"; a takedown is a ban that says what for.
        if (JsonContent.Text(content, "recommendation") is "m.ban" or "m.takedown" && JsonContent.Text(content, "entity") is { } entity)
        {
            (type == "m.policy.rule.user" ? _users : _servers).Add(new Glob(entity));
        }
    }
}
