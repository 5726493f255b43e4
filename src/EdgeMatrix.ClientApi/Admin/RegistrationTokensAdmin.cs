using System.Text.Json;
using EdgeMatrix.Accounts.Registration;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage.Accounts;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>The tokens that let people make accounts.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/usage/administration/admin_api/registration_tokens.html</remarks>
internal static class RegistrationTokensAdmin
{
    private const long DefaultLength = 16;

    /// <summary><c>GET /_synapse/admin/v1/registration_tokens</c></summary>
    public static IResult List(HttpRequest request, RegistrationTokens tokens, UserInteractiveAuthentication authentication)
    {
        var (valid, error) = request.QueryBoolean("valid");
        return error is not null ? error : JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("registration_tokens"u8);
            foreach (var row in tokens.List().Where(row => valid is null || valid == tokens.IsGood(row)))
            {
                Write(json, row, authentication);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /_synapse/admin/v1/registration_tokens/{token}</c></summary>
    public static IResult Get(string token, RegistrationTokens tokens, UserInteractiveAuthentication authentication) =>
        tokens.Find(token) is { } row ? JsonText.Write(json => Write(json, row, authentication)) : NotFound();

    /// <summary><c>POST /_synapse/admin/v1/registration_tokens/new</c></summary>
    public static async Task<IResult> Add(
        HttpRequest request, RegistrationTokens tokens, RoomEngine engine, UserInteractiveAuthentication authentication)
    {
        var (given, badBody) = await request.ReadObjectOrEmptyAsync();
        if (badBody is not null)
        {
            return badBody;
        }

        var body = new AdminBody(given);
        var (token, length, uses, expiry) = (body.Text("token"), body.Number("length"), body.Number("uses_allowed"), body.Number("expiry_time"));
        if ((body.Error ?? RefusePast(expiry, engine.Time)) is { } refused)
        {
            return refused;
        }

        if (length is 0 or > RegistrationTokens.MaxLength || (token is not null && !RegistrationTokens.IsValid(token)))
        {
            return MatrixError.InvalidParam($"A token has 1 to {RegistrationTokens.MaxLength} characters of A-Z, a-z, 0-9 and . _ ~ -");
        }

        var row = new RegistrationTokenRow(token ?? tokens.NewToken((int)(length ?? DefaultLength)), uses, 0, expiry);
        return await tokens.AddAsync(row)
            ? JsonText.Write(json => Write(json, row, authentication))
            : MatrixError.InvalidParam("There is such a token already, or there are too many");
    }

    /// <summary><c>PUT /_synapse/admin/v1/registration_tokens/{token}</c>: what is null is without limit, what is absent stays.</summary>
    public static async Task<IResult> Set(
        string token, HttpRequest request, RegistrationTokens tokens, RoomEngine engine, UserInteractiveAuthentication authentication)
    {
        var (given, badBody) = await request.ReadObjectAsync();
        if (badBody is not null)
        {
            return badBody;
        }

        var body = new AdminBody(given);
        var (uses, expiry) = (body.Number("uses_allowed"), body.Number("expiry_time"));
        if ((body.Error ?? RefusePast(expiry, engine.Time)) is { } refused)
        {
            return refused;
        }

        var changed = await tokens.ChangeAsync(token, row => row with
        {
            UsesAllowed = given.TryGetProperty("uses_allowed", out _) ? uses : row.UsesAllowed,
            ExpiryTs = given.TryGetProperty("expiry_time", out _) ? expiry : row.ExpiryTs,
        });
        return changed is null ? NotFound() : JsonText.Write(json => Write(json, changed, authentication));
    }

    /// <summary><c>DELETE /_synapse/admin/v1/registration_tokens/{token}</c></summary>
    public static async Task<IResult> Delete(string token, RegistrationTokens tokens) =>
        await tokens.DeleteAsync(token) ? JsonText.Empty : NotFound();

    private static MatrixError? RefusePast(long? expiry, TimeProvider time) =>
        expiry <= time.GetUtcNow().ToUnixTimeMilliseconds() ? MatrixError.InvalidParam("expiry_time is in the past") : null;

    private static MatrixError NotFound() => MatrixError.NotFound("There is no such registration token");

    private static void Write(Utf8JsonWriter json, RegistrationTokenRow row, UserInteractiveAuthentication authentication)
    {
        json.WriteStartObject();
        json.WriteString("token"u8, row.Token);
        WriteNumber(json, "uses_allowed", row.UsesAllowed);

        // Registrations under way that it has let in: each becomes a completed use with its account.
        json.WriteNumber("pending"u8, authentication.PendingUses(row.Token));
        json.WriteNumber("completed"u8, row.Completed);
        WriteNumber(json, "expiry_time", row.ExpiryTs);
        json.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, long? value)
    {
        json.WritePropertyName(name);
        if (value is { } number)
        {
            json.WriteNumberValue(number);
        }
        else
        {
            json.WriteNullValue();
        }
    }
}
