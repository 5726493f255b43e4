using EdgeMatrix.Accounts.Profiles;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ServerApi.Queries;

/// <summary><c>GET /_matrix/federation/v1/query/profile</c>: what users of this server say of themselves.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile</remarks>
internal static class ProfileQuery
{
    public static IResult Get(HttpRequest request, LocalServer server, UserProfiles profiles)
    {
        var (userId, missing) = request.QueryRequired("user_id");
        if (missing is not null)
        {
            return missing;
        }

        if (!UserId.TryParse(userId, out var user) || !server.Owns(user.Value))
        {
            return MatrixError.InvalidParam("Not a user of this server");
        }

        if (profiles.Find(user.Value) is not { } fields)
        {
            return MatrixError.NotFound("No such user");
        }

        var wanted = request.QueryText("field");
        return JsonText.Write(json =>
        {
            json.WriteStartObject();
            foreach (var (field, value) in fields.Where(field => wanted is null || field.Field == wanted))
            {
                json.WritePropertyName(field);
                json.WriteRawValue(value, skipInputValidation: true);
            }

            json.WriteEndObject();
        });
    }
}
