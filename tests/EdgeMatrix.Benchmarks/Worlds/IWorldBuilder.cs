using EdgeMatrix.Benchmarks.Http;

namespace EdgeMatrix.Benchmarks.Worlds;

/// <summary>Fills a homeserver: our own through the engine's door, another through its Client-Server API.</summary>
internal interface IWorldBuilder
{
    /// <summary>A user with a device, or with <paramref name="silent"/> one who never logs in, if the server can have such.</summary>
    Task<MatrixUser> AddUserAsync(string localpart, bool silent = false);

    /// <returns>The id of a new public room.</returns>
    Task<string> CreateRoomAsync(MatrixUser creator, string name);

    Task JoinAsync(string room, MatrixUser user);

    Task SendAsync(string room, MatrixUser sender, string text);
}
