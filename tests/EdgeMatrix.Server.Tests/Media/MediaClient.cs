using System.Net.Http.Headers;
using System.Text.Json;
using EdgeMatrix.Testing;

namespace EdgeMatrix.Server.Tests.Media;

/// <summary>Uploads and downloads bytes, for a session of a test server.</summary>
internal static class MediaClient
{
    public const string V1 = "/_matrix/client/v1/media";
    public const string Old = "/_matrix/media/v3";

    /// <summary>The id of the new media.</summary>
    public static async Task<string> UploadAsync(this TestSession session, byte[] bytes, string? type = "image/png", string? name = null)
    {
        var query = name is null ? "" : "?filename=" + Uri.EscapeDataString(name);
        using var response = await session.SendBytesAsync(HttpMethod.Post, $"{Old}/upload{query}", bytes, type);
        response.EnsureSuccessStatusCode();
        var uri = (await response.JsonAsync()).GetProperty("content_uri").GetString()!;
        return uri[$"mxc://{session.Server.ServerName}/".Length..];
    }

    public static Task<HttpResponseMessage> DownloadAsync(this TestSession session, string mediaId, Action<HttpRequestHeaders>? headers = null) =>
        session.FetchAsync(HttpMethod.Get, $"{V1}/download/{session.Server.ServerName}/{mediaId}", headers);

    public static async Task<HttpResponseMessage> FetchAsync(
        this TestSession session, HttpMethod method, string path, Action<HttpRequestHeaders>? headers = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", session.Token);
        headers?.Invoke(request.Headers);
        return await session.Server.Http.SendAsync(request);
    }

    public static async Task<HttpResponseMessage> SendBytesAsync(
        this TestSession session, HttpMethod method, string path, byte[] bytes, string? type = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new ByteArrayContent(bytes) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", session.Token);
        if (type is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        return await session.Server.Http.SendAsync(request);
    }

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response) =>
        JsonElement.Parse(await response.Content.ReadAsByteArrayAsync());

    /// <summary>The status and the <c>errcode</c>.</summary>
    public static async Task<(int Status, string? Code)> ErrorAsync(this Task<HttpResponseMessage> answer)
    {
        using var response = await answer;
        return ((int)response.StatusCode, (await response.JsonAsync()).GetProperty("errcode").GetString());
    }

    /// <summary>The files in the media folder, but for what is being uploaded.</summary>
    public static string[] FilesOf(TestHomeserver server) =>
    [
        .. Directory.EnumerateFiles(Path.Combine(server.DataFolder, "media"), "*", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(Path.GetDirectoryName(file)) != "tmp"),
    ];
}
