using System.Text.Json;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Federation.Devices;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Encryption;

namespace EdgeMatrix.Federation.Users;

/// <summary>The keys of users of other servers: as they are kept here, or else as their servers say, who are asked side by side.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#end-to-end-encryption</remarks>
public sealed class RemoteKeys(
    FederationClient client, LocalServer server, Database database, RemoteDeviceLists lists, DeviceListFetcher fetcher, TimeProvider time)
{
    private const int AtOnce = 16;

    // Beyond, a server is asked once for all of them, and their lists are fetched one after the other while nobody waits.
    private const int MostFetched = 16;

    // The keys of a user with many devices take some tens of kilobytes.
    private const int MaxAnswerBytes = 8 << 20;

    /// <summary>The devices and cross-signing keys of users of other servers; users of this one are left out.</summary>
    /// <param name="viewer">Nid of the user who asks.</param>
    /// <param name="wait">How long the answers may take.</param>
    public async Task<RemoteKeyAnswers> QueryAsync(
        long viewer, IReadOnlyList<(string UserId, IReadOnlyList<string> DeviceIds)> wanted, TimeSpan wait, CancellationToken cancellation)
    {
        var until = time.GetUtcNow() + wait;
        var kept = new List<UserKeys>();
        var fetched = new List<(string UserId, IReadOnlyList<string> DeviceIds)>();
        var asked = new List<(string UserId, IReadOnlyList<string> DeviceIds)>();
        using (var snapshot = database.OpenSnapshot())
        {
            foreach (var want in wanted.Where(want => !server.Owns(want.UserId)))
            {
                var (keys, isWhole) = RemoteDeviceLists.Find(snapshot, viewer, want.UserId, want.DeviceIds);
                if (isWhole)
                {
                    kept.Add(keys!);
                }
                else
                {
                    var isShared = UserTable.Find(snapshot, want.UserId) is { } user && RemoteDeviceListTable.IsShared(snapshot, user);
                    (isShared ? fetched : asked).Add(want);
                }
            }
        }

        foreach (var many in fetched.GroupBy(want => ServerOf(want.UserId)).Where(users => users.Count() > MostFetched).ToList())
        {
            await lists.TrackAsync(many.Key, [.. many.Select(want => want.UserId)]);
            asked.AddRange(many);
            fetched.RemoveAll(want => ServerOf(want.UserId) == many.Key);
        }

        var failures = await FetchAsync([.. fetched.Select(want => want.UserId)], wait, cancellation);
        using (var snapshot = database.OpenSnapshot())
        {
            foreach (var want in fetched)
            {
                // A list that is not up to date is better than none; and who gives no list may still answer the question.
                if (RemoteDeviceLists.Find(snapshot, viewer, want.UserId, want.DeviceIds).Keys is { } keys)
                {
                    kept.Add(keys);
                }
                else if (!failures.TryGetValue(want.UserId, out var failure) || failure.Status != 0)
                {
                    failures.Remove(want.UserId);
                    asked.Add(want);
                }
            }
        }

        var left = until - time.GetUtcNow();
        var answers = await AskAsync(asked, left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1), cancellation);
        return new RemoteKeyAnswers(answers, kept, failures.Select(failed => (ServerOf(failed.Key), failed.Value)));
    }

    private Task<List<RemoteKeyAnswer>> AskAsync(
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
    /// <param name="wait">How long the answers may take.</param>
    public async Task<RemoteKeyAnswers> ClaimAsync(IEnumerable<WantedKey> wanted, TimeSpan wait, CancellationToken cancellation)
    {
        var answers = await AskAsync(
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
        return new RemoteKeyAnswers(answers, [], []);
    }

    /// <returns>Of whom no list came, and why.</returns>
    private async Task<Dictionary<string, FederationFailure>> FetchAsync(List<string> users, TimeSpan wait, CancellationToken cancellation)
    {
        var failures = new Dictionary<string, FederationFailure>(StringComparer.Ordinal);
        var fetches = users.Distinct().Select(user => (User: user, Answer: fetcher.FetchAsync(ServerOf(user), user))).ToList();
        Task all = Task.WhenAll(fetches.Select(fetch => fetch.Answer)).WaitAsync(wait, time, cancellation);
        await all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        foreach (var (user, answer) in fetches)
        {
            if (!answer.IsCompletedSuccessfully)
            {
                failures[user] = new FederationFailure(
                    FederationFailureKind.Unreachable, 0, null, $"{ServerOf(user)} did not answer in time");
            }
            else if (answer.Result is { } failure)
            {
                failures[user] = failure;
            }
        }

        return failures;
    }

    private string ServerOf(string userId) => UserId.TryParse(userId, out var id) ? id.ServerName : server.Name;

    private async Task<List<RemoteKeyAnswer>> AskAsync<T>(
        string target,
        string name,
        IEnumerable<IGrouping<string, T>> users,
        Action<Utf8JsonWriter, IGrouping<string, T>> write,
        TimeSpan wait,
        CancellationToken cancellation)
    {
        var servers = users
            .GroupBy(user => ServerOf(user.Key))
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
        return [.. servers.Select((group, index) =>
            new RemoteKeyAnswer(group.Key, group.Select(user => user.Key).ToHashSet(StringComparer.Ordinal), answers[index]))];
    }
}

/// <param name="Users">Whom the server was asked for.</param>
public sealed record RemoteKeyAnswer(string Server, IReadOnlySet<string> Users, FederationAnswer Answer);

/// <summary>What is known of the keys of users of other servers.</summary>
/// <param name="kept">Of those whose lists are kept here.</param>
/// <param name="failures">Servers that did not give a list.</param>
public sealed class RemoteKeyAnswers(
    IReadOnlyList<RemoteKeyAnswer> answers, IReadOnlyList<UserKeys> kept, IEnumerable<(string Server, FederationFailure Failure)> failures)
{
    public IReadOnlyList<UserKeys> Kept => kept;

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
        var ofAnswers = answers.Select(answer => (answer.Server, answer.Answer.Failure));
        var all = ofAnswers.Concat(failures.Select(failed => (failed.Server, Failure: (FederationFailure?)failed.Failure)));
        foreach (var (server, failure) in all.Where(failed => failed.Failure is not null).DistinctBy(failed => failed.Server))
        {
            json.WriteStartObject(server);
            json.WriteNumber("status"u8, failure!.Status == 0 ? 503 : failure.Status);
            json.WriteString("message"u8, failure.Message);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
