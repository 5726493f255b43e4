using System.Text.Json;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>The room that an alias of another server stands for.</summary>
/// <param name="Servers">Names of servers that are in it.</param>
public sealed record RemoteAlias(string RoomId, IReadOnlyList<string> Servers);

/// <summary>Asks other servers of their aliases and their room directories.</summary>
public sealed class RemoteRooms(FederationClient client)
{
    private const int MaxDirectoryBytes = 4 << 20;
    private const int MaxServers = 200;

    /// <summary>The room that an alias of another server stands for; or why that cannot be told: exactly one of the two.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory</remarks>
    public async Task<(RemoteAlias? Found, FederationFailure? Failure)> ResolveAsync(RoomAlias alias, CancellationToken cancellation)
    {
        var answer = await client.SendAsync(
            FederationRequest.Get(alias.ServerName, $"/_matrix/federation/v1/query/directory?room_alias={Uri.EscapeDataString(alias.Value)}") with
            {
                Lane = FederationLane.Queries, DespiteBackoff = true,
            },
            cancellation);
        if (answer.Json is not { } found)
        {
            return (null, answer.Failure);
        }

        return JsonContent.Text(found, "room_id") is { } roomId && RoomId.IsValid(roomId)
            && found.TryGetProperty("servers"u8, out var servers) && servers.ValueKind == JsonValueKind.Array
                ? (new RemoteAlias(roomId, Names(servers)), null)
                : (null, new FederationFailure(FederationFailureKind.Malformed, 404, null, $"{alias.ServerName} gave no answer that can be used"));
    }

    /// <summary>A page of another server's room directory.</summary>
    /// <param name="content">The body of a search, as a client sends it to its own server.</param>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1publicrooms</remarks>
    public Task<FederationAnswer> SearchAsync(string serverName, ReadOnlyMemory<byte> content, CancellationToken cancellation) => client.SendAsync(
        FederationRequest.Post(serverName, "/_matrix/federation/v1/publicRooms", content) with
        {
            Lane = FederationLane.Queries, MaxBytes = MaxDirectoryBytes, DespiteBackoff = true,
        },
        cancellation);

    private static List<string> Names(JsonElement servers) =>
        [.. servers.EnumerateArray()
            .Where(server => server.ValueKind == JsonValueKind.String)
            .Select(server => server.GetString()!)
            .Where(ServerName.IsValid)
            .Take(MaxServers)];
}
