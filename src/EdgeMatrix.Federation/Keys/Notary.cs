using System.Text.Json;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage.Federation;

namespace EdgeMatrix.Federation.Keys;

/// <summary>Tells others the keys of a server, as that server signed them, and vouches for them with a signature more.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server</remarks>
public sealed class Notary(LocalServer server, OwnKeys own, KnownServerKeys known, KeyFetcher fetcher, TimeProvider time) : IDisposable
{
    // Anybody may ask, of any server: beyond these we tell what we know.
    private readonly SemaphoreSlim _fetches = new(8);

    // Of a server that answered a moment ago we ask for what it did not tell then once a second at most, after a rest sixty times at once: nobody
    // makes us a flood of requests to somebody else.
    private static readonly TimeSpan _anewInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _anewBurst = TimeSpan.FromMinutes(1);
    private readonly Lock _lock = new();
    private DateTimeOffset _anewUntil = DateTimeOffset.MinValue;

    /// <summary>
    /// What the server answered, signed by us too: its last answer, unless it lists none of the keys that are asked for and an earlier one does. Empty if
    /// it never answered.
    /// </summary>
    /// <param name="keyIds">The keys that are asked for; none stands for all.</param>
    /// <param name="minimumValidUntilTs">Who asks has an answer that is valid for so long; null: what is valid now will do.</param>
    public async Task<IReadOnlyList<byte[]>> FindAsync(
        string name, IReadOnlyCollection<string> keyIds, long? minimumValidUntilTs, CancellationToken cancellation)
    {
        if (name == server.Name)
        {
            return [own.Answer().ToArray()];
        }

        if (!ServerName.IsValid(name))
        {
            return [];
        }

        var answer = known.AnswerOf(name);
        var lacks = keyIds.Any(keyId => !known.Of(name).ContainsKey(keyId));
        if (answer is null || lacks || IsStale(answer, minimumValidUntilTs))
        {
            // "If the server fails to respond to this request, intermediate notary servers should continue to return the last response it received".
            if (await _fetches.WaitAsync(TimeSpan.Zero, cancellation))
            {
                try
                {
                    // Who asks has what the server answered last, and wants more.
                    var wantsMore = answer is not null && (lacks || answer.ValidUntilTs < minimumValidUntilTs);
                    await fetcher.FromServerAsync(name, cancellation, anew: wantsMore && MayAskAnew());
                }
                finally
                {
                    _fetches.Release();
                }
            }

            answer = known.AnswerOf(name);
        }

        if (answer is null)
        {
            return [];
        }

        var listed = KnownServerKeys.KeyIdsIn(answer.Json).ToHashSet();
        var earlier = keyIds.Where(keyId => !listed.Contains(keyId)).Select(keyId => known.EarlierAnswerOf(name, keyId))
            .OfType<ServerKeyAnswerRow>().DistinctBy(row => Convert.ToHexString(row.Json)).ToList();
        var isLastAskedFor = earlier.Count == 0 || keyIds.Any(listed.Contains);
        return [.. (isLastAskedFor ? earlier.Append(answer) : earlier).Select(row => SignedJson.Sign(JsonElement.Parse(row.Json), server.Name, server.Key))];
    }

    public void Dispose() => _fetches.Dispose();

    private bool MayAskAnew()
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            var next = (_anewUntil > now ? _anewUntil : now) + _anewInterval;
            if (next - now > _anewBurst)
            {
                return false;
            }

            _anewUntil = next;
            return true;
        }
    }

    // "Intermediate notary servers should cache a response for half of its lifetime to avoid serving a stale response."
    private bool IsStale(ServerKeyAnswerRow answer, long? minimumValidUntilTs)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        return answer.ValidUntilTs < (minimumValidUntilTs ?? now) || now - answer.FetchedTs > (answer.ValidUntilTs - answer.FetchedTs) / 2;
    }
}
