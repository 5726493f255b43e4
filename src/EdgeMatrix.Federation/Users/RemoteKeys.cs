using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms;

namespace EdgeMatrix.Federation.Users;

/// <summary>Asks other servers for the keys of their users, all servers side by side.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#end-to-end-encryption</remarks>
public sealed class RemoteKeys(FederationClient client, LocalServer server)
{
    private const int AtOnce = 16;

    // The keys of a user with many devices take some tens of kilobytes.
    private const int MaxAnswerBytes = 8 << 20;

    /// <summary>The devices and cross-signing keys of users of other servers; users of this one are left out.</summary>
    /// <param name="wait">How long the answers may take.</param>
    public Task<RemoteKeyAnswers> QueryAsync(
        IEnumerable<(string UserId, IReadOnlyList<string> DeviceIds)> wanted, TimeSpan wait, CancellationToken cancellation) => AskAsync(
            "/_matrix/federation/v1/user/keys/query",
            "device_keys",
            wanted.GroupBy(want => want.UserId),
            (json, user) =>
            {
                json.WriteStartArray(user.Key);
                foreach (var device in user.SelectMany(want => want.DeviceIds).Distinct())
                {
                    json.WriteStringValue(device);
                }

                json.WriteEndArray();
            },
            wait,
            cancellation);

    /// <summary>Claims one-time keys of users of other servers; users of this one are left out.</summary>
    /// <inheritdoc cref="QueryAsync"/>
    public Task<RemoteKeyAnswers> ClaimAsync(IEnumerable<WantedKey> wanted, TimeSpan wait, CancellationToken cancellation) => AskAsync(
        "/_matrix/federation/v1/user/keys/claim",
        "one_time_keys",
        wanted.GroupBy(want => want.UserId),
        (json, user) =>
        {
            json.WriteStartObject(user.Key);
            foreach (var device in user.DistinctBy(want => want.DeviceId))
            {
                json.WriteString(device.DeviceId, device.Algorithm);
            }

            json.WriteEndObject();
        },
        wait,
        cancellation);

    private async Task<RemoteKeyAnswers> AskAsync<T>(
        string target,
        string name,
        IEnumerable<IGrouping<string, T>> users,
        Action<Utf8JsonWriter, IGrouping<string, T>> write,
        TimeSpan wait,
        CancellationToken cancellation)
    {
        var servers = users
            .GroupBy(user => UserId.TryParse(user.Key, out var id) ? id.ServerName : server.Name)
            .Where(group => group.Key != server.Name)
            .ToList();
        var answers = new FederationAnswer[servers.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation };
        await Parallel.ForAsync(0, servers.Count, options, async (index, token) =>
        {
            using var buffer = new MemoryStream();
            using (var json = new Utf8JsonWriter(buffer))
            {
                json.WriteStartObject();
                json.WriteStartObject(name);
                foreach (var user in servers[index])
                {
                    write(json, user);
                }

                json.WriteEndObject();
                json.WriteEndObject();
            }

            var request = FederationRequest.Post(servers[index].Key, target, buffer.ToArray()) with
            {
                Lane = FederationLane.Queries, MaxBytes = MaxAnswerBytes, Timeout = wait,
            };
            answers[index] = await client.SendAsync(request, token);
        });
        return new RemoteKeyAnswers([.. servers.Select((group, index) =>
            (group.Key, (IReadOnlySet<string>)group.Select(user => user.Key).ToHashSet(StringComparer.Ordinal), answers[index]))]);
    }
}

/// <summary>What other servers said of the keys of their users.</summary>
public sealed class RemoteKeyAnswers(IReadOnlyList<(string Server, IReadOnlySet<string> Users, FederationAnswer Answer)> answers)
{
    /// <summary>Writes, into the object that is open, what servers said in an object by user: of the users that they were asked for, each of its own.</summary>
    public void Write(Utf8JsonWriter json, string name)
    {
        foreach (var (_, users, answer) in answers)
        {
            if (answer.Json is { } said && said.TryGetProperty(name, out var byUser) && byUser.ValueKind == JsonValueKind.Object)
            {
                foreach (var user in byUser.EnumerateObject())
                {
                    if (user.Value.ValueKind == JsonValueKind.Object && users.Contains(user.Name))
                    {
                        user.WriteTo(json);
                    }
                }
            }
        }
    }

    /// <summary>Writes <c>failures</c>: "If any remote homeservers could not be reached, they are recorded here."</summary>
    public void WriteFailures(Utf8JsonWriter json)
    {
        json.WriteStartObject("failures"u8);
        foreach (var (server, _, answer) in answers)
        {
            if (answer.Failure is { } failure)
            {
                json.WriteStartObject(server);
                json.WriteNumber("status"u8, failure.Status == 0 ? 503 : failure.Status);
                json.WriteString("message"u8, failure.Message);
                json.WriteEndObject();
            }
        }

        json.WriteEndObject();
    }
}
