using System.Collections.Frozen;
using System.Text.Json;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>Takes in what other servers tell besides events: an ephemeral data unit of each type.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#edus</remarks>
public sealed class IncomingEdus
{
    private readonly FrozenDictionary<string, EduType> _types;
    private long _unknown;

    public IncomingEdus(
        IncomingTyping typing,
        IncomingReceipts receipts,
        IncomingPresence presence,
        IncomingMessages messages,
        IncomingDeviceLists deviceLists)
    {
        _types = new Dictionary<string, EduType>
        {
            ["m.typing"] = new(typing.ReceiveAsync),
            ["m.receipt"] = new(receipts.ReceiveAsync),
            ["m.presence"] = new(presence.ReceiveAsync),
            ["m.direct_to_device"] = new(messages.ReceiveAsync),
            ["m.device_list_update"] = new(deviceLists.ReceiveUpdateAsync),
            ["m.signing_key_update"] = new(deviceLists.ReceiveKeysAsync),
            ["org.matrix.signing_key_update"] = new(deviceLists.ReceiveKeysAsync),
        }.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The types that are known here.</summary>
    public IEnumerable<string> Types => _types.Keys;

    /// <summary>How many of no type that is known here came.</summary>
    public long Unknown => Interlocked.Read(ref _unknown);

    /// <summary>How many of a known type came, and how many of them nothing was taken of: malformed, or not the origin's to tell.</summary>
    public (long Received, long Refused) CountsOf(string type) => _types[type].Counts;

    /// <summary>Takes in one; of a type that is not known here, or that is malformed, nothing comes.</summary>
    /// <param name="origin">The server that signed the transaction.</param>
    /// <param name="edu">As it came: <c>edu_type</c> and <c>content</c>.</param>
    public async Task ReceiveAsync(string origin, JsonElement edu, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (edu.StringOrNull("edu_type"u8) is not { } name || !_types.TryGetValue(name, out var type))
        {
            Interlocked.Increment(ref _unknown);
            return;
        }

        type.Count(edu.ObjectOrNull("content"u8) is { } content && await type.ReceiveAsync(origin, content));
    }

    private sealed class EduType(Func<string, JsonElement, Task<bool>> receive)
    {
        private long _received;
        private long _refused;

        public (long, long) Counts => (Interlocked.Read(ref _received), Interlocked.Read(ref _refused));

        public Task<bool> ReceiveAsync(string origin, JsonElement content) => receive(origin, content);

        public void Count(bool taken)
        {
            Interlocked.Increment(ref _received);
            if (!taken)
            {
                Interlocked.Increment(ref _refused);
            }
        }
    }
}
