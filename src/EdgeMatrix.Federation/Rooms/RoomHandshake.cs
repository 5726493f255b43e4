using System.Text.Json;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.RoomVersions;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>The first half of how users of this server come into rooms that it is not in, and out of them: a resident's template, made an event.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms</remarks>
internal sealed class RoomHandshake(FederationClient client, LocalServer server, TimeProvider time)
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30);
    private static readonly string _versions = string.Join('&', RoomVersions.All.Select(version => $"ver={version.Id}"));

    /// <summary>Asks one server for a template, and makes a signed event of it.</summary>
    /// <param name="membership">What is asked for: <c>join</c>, <c>knock</c>, <c>leave</c>.</param>
    /// <param name="content">Gives the content of the event, from that of the template.</param>
    /// <param name="failures">Notes why there is none.</param>
    public async Task<Pdu?> MakeAsync(
        string resident,
        string membership,
        string roomId,
        string userId,
        Func<JsonElement, RoomVersion, JsonElement> content,
        HandshakeFailures failures,
        CancellationToken cancellation)
    {
        var target = $"/_matrix/federation/v1/make_{membership}/{PathSegment.Of(roomId)}/{PathSegment.Of(userId)}";
        var answer = await client.SendAsync(
            FederationRequest.Get(resident, membership == "leave" ? target : $"{target}?{_versions}") with { DespiteBackoff = true, Timeout = _timeout },
            cancellation);
        if (answer.Json is not { } json)
        {
            failures.Add(answer.Failure!);
            return null;
        }

        if (EventTemplate.Read(json, roomId, userId, membership, out var problem) is not { } template)
        {
            failures.Add(resident, problem!);
            return null;
        }

        // What the resident proposes to say besides is not this user's word.
        var draft = template.Draft with { Content = content(template.Draft.Content, template.Version), Origin = server.Name };
        var built = EventBuilder.Build(
            draft, template.Version, roomId, template.Links, time.GetUtcNow().ToUnixTimeMilliseconds(), server.Key, server.Name);
        if (built.Event is null)
        {
            failures.Add(resident, built.Refusal!);
        }

        return built.Event;
    }

    /// <summary>The request that sends such an event back.</summary>
    public static FederationRequest Sending(string resident, string endpoint, Pdu member, string query = "") => FederationRequest.Put(
        resident,
        $"/_matrix/federation/{endpoint}/{PathSegment.Of(member.RoomId)}/{PathSegment.Of(member.EventId)}{query}",
        member.Json) with { DespiteBackoff = true, Timeout = _timeout };
}
