using System.Text.Json;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Media.Previews;

/// <summary>What an oEmbed answer says of a page.</summary>
/// <remarks>https://oembed.com</remarks>
internal sealed record OEmbed(string? Title, string? Provider, Uri? Thumbnail)
{
    /// <param name="url">Where the answer came from.</param>
    /// <returns>Null if it is none.</returns>
    public static OEmbed? Read(ReadOnlySpan<byte> answer, Uri url)
    {
        try
        {
            var body = JsonElement.Parse(answer);
            if (body.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            // Of a photo the picture itself is named.
            var picture = JsonContent.Text(body, "thumbnail_url") ?? (JsonContent.Text(body, "type") == "photo" ? JsonContent.Text(body, "url") : null);
            return new OEmbed(
                JsonContent.Text(body, "title"),
                JsonContent.Text(body, "provider_name"),
                picture is not null && Uri.TryCreate(url, picture, out var found) && found.Scheme is "http" or "https" ? found : null);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, or half of a surrogate pair.
            return null;
        }
    }
}
