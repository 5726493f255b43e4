using System.Text.Json;
using EdgeMatrix.Benchmarks.Http;

namespace EdgeMatrix.Benchmarks.Worlds;

/// <summary>Fills any homeserver that lets users register with <c>m.login.dummy</c>.</summary>
internal sealed class PeerWorld(Uri server) : IWorldBuilder, IDisposable
{
    private readonly string _run = Guid.NewGuid().ToString("N")[..8];
    private readonly Dictionary<MatrixUser, MatrixClient> _clients = [];

    public async Task<MatrixUser> AddUserAsync(string localpart, bool silent)
    {
        using var nobody = new MatrixClient(server, null);
        var answer = await nobody.RequestAsync(
            "POST", "/register", $$$"""{"username":"{{{localpart}}}-{{{_run}}}","password":"a long secret","auth":{"type":"m.login.dummy"}}""");
        var json = JsonElement.Parse(answer.Span);
        return new MatrixUser(json.GetProperty("user_id").GetString()!, json.GetProperty("access_token").GetString()!);
    }

    public Task<string> CreateRoomAsync(MatrixUser creator, string name) => Of(creator).RequestTextAsync(
        "POST", "/createRoom", $$"""{"preset":"public_chat","name":"{{name}}"}""", "room_id");

    public Task JoinAsync(string room, MatrixUser user) => Of(user).JoinAsync(room);

    public Task SendAsync(string room, MatrixUser sender, string text) => Of(sender).PutMessageAsync(room, text);

    public void Dispose()
    {
        foreach (var client in _clients.Values)
        {
            client.Dispose();
        }
    }

    private MatrixClient Of(MatrixUser user) =>
        _clients.TryGetValue(user, out var client) ? client : _clients[user] = new MatrixClient(server, user);
}
