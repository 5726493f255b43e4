using EdgeMatrix.Federation.Requests;

namespace EdgeMatrix.Federation.Rooms;

/// <summary>Asks other servers of their aliases and their room directories.</summary>
public sealed class RemoteRooms(FederationClient client)
{
    private const int MaxDirectoryBytes = 4 << 20;

    /// <summary>The room that an alias of another server stands for, and servers that are in it.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory</remarks>
    public Task<FederationAnswer> ResolveAsync(string serverName, string alias, CancellationToken cancellation) => client.SendAsync(
        FederationRequest.Get(serverName, $"/_matrix/federation/v1/query/directory?room_alias={Uri.EscapeDataString(alias)}") with
        {
            Lane = FederationLane.Queries, DespiteBackoff = true,
        },
        cancellation);

    /// <summary>A page of another server's room directory.</summary>
    /// <param name="content">The body of a search, as a client sends it to its own server.</param>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1publicrooms</remarks>
    public Task<FederationAnswer> SearchAsync(string serverName, ReadOnlyMemory<byte> content, CancellationToken cancellation) => client.SendAsync(
        FederationRequest.Post(serverName, "/_matrix/federation/v1/publicRooms", content) with
        {
            Lane = FederationLane.Queries, MaxBytes = MaxDirectoryBytes, DespiteBackoff = true,
        },
        cancellation);
}
