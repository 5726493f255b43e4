using System.Text.Json;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.RoomVersions;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>
/// The room as a resident server tells it to one that joins: read event by event as it comes, for it may be of tens of thousands of members.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid</remarks>
internal sealed class SendJoinAnswer
{
    /// <summary>A room of 85,000 members takes about a tenth of it.</summary>
    public const long MaxBytes = 1L << 30;

    private const int MaxEvents = 1_000_000;
    private const int MaxServers = 50_000;

    private readonly RoomVersion _version;
    private readonly ToldMemory.Part _memory;
    private readonly HashSet<string> _servers = new(StringComparer.Ordinal);
    private int _events;

    private SendJoinAnswer(RoomVersion version, ToldMemory.Part memory) => (_version, _memory) = (version, memory);

    /// <summary>The state before the join, as far as it is told. What is no event of the room version is left out.</summary>
    public List<Pdu> State { get; } = [];

    public List<Pdu> AuthChain { get; } = [];

    /// <summary>The join, where the resident says what became of it; null where it does not.</summary>
    public Pdu? Join { get; private set; }

    /// <summary>Members are missing from <see cref="State"/>.</summary>
    public bool MembersOmitted { get; private set; }

    /// <summary>The servers in the room; empty where the resident does not say.</summary>
    public IReadOnlyCollection<string> Servers => _servers;

    /// <param name="memory">Holds what is read, as long as it is used.</param>
    /// <exception cref="MalformedAnswerException">It is no such answer, or has more or larger events than any room should, or than there is memory for.</exception>
    /// <exception cref="Outbound.OutboundException">It is too long, late, or cut off.</exception>
    public static async Task<SendJoinAnswer> ReadAsync(
        Stream body, RoomVersion version, ToldMemory.Part memory, CancellationToken cancellation)
    {
        var answer = new SendJoinAnswer(version, memory);
        await new StreamedAnswer(["state", "auth_chain", "servers_in_room"], ["event", "members_omitted"], answer.Take).ReadAsync(body, cancellation);
        return answer;
    }

    private void Take(string property, byte[] json)
    {
        switch (property)
        {
            case "state":
                TakeEvent(State, json);
                break;
            case "auth_chain":
                TakeEvent(AuthChain, json);
                break;
            case "event":
                Join = json[0] == (byte)'{' ? Pdu.Parse(json, _version).Event
                    : json.AsSpan().SequenceEqual("null"u8) ? null
                    : throw new MalformedAnswerException("event is no event");
                break;
            case "members_omitted":
                MembersOmitted = json.AsSpan().SequenceEqual("true"u8);
                break;
            default:
                TakeServer(json);
                break;
        }
    }

    private void TakeEvent(List<Pdu> list, byte[] json)
    {
        if (json[0] != (byte)'{')
        {
            throw new MalformedAnswerException("state and auth_chain must be lists of events");
        }

        if (++_events > MaxEvents)
        {
            throw new MalformedAnswerException($"the room has more than {MaxEvents} events of state");
        }

        if (Pdu.Parse(json, _version).Event is { } pdu)
        {
            _memory.Add(pdu.Json.Length);
            list.Add(pdu);
        }
    }

    private void TakeServer(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        if (reader.Read() && reader.TokenType == JsonTokenType.String && reader.GetString() is { } name && ServerName.IsValid(name))
        {
            if (_servers.Count == MaxServers)
            {
                throw new MalformedAnswerException($"the room has more than {MaxServers} servers");
            }

            _servers.Add(name);
        }
    }
}
