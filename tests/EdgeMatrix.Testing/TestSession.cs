namespace EdgeMatrix.Testing;

/// <summary>A logged-in device.</summary>
public sealed record TestSession(TestHomeserver Server, string UserId, string DeviceId, string Token)
{
    public Task<TestAnswer> GetAsync(string path) => Server.SendAsync(HttpMethod.Get, path, Token, null);

    public Task<TestAnswer> PutAsync(string path, string body) => Server.SendAsync(HttpMethod.Put, path, Token, body);

    public Task<TestAnswer> PostAsync(string path, string body) => Server.SendAsync(HttpMethod.Post, path, Token, body);

    public Task<TestAnswer> DeleteAsync(string path, string? body = null) => Server.SendAsync(HttpMethod.Delete, path, Token, body);

    public async Task<string> CreateRoomAsync(string body = """{"preset":"public_chat"}""") =>
        (await PostAsync("/_matrix/client/v3/createRoom", body))["room_id"].GetString()!;

    public async Task<string> SendTextAsync(string roomId, string text, string txnId) => (await PutAsync(
        $"/_matrix/client/v3/rooms/{roomId}/send/m.room.message/{txnId}", $$"""{"msgtype":"m.text","body":"{{text}}"}"""))["event_id"].GetString()!;
}
