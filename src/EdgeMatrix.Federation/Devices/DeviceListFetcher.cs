using EdgeMatrix.Federation.Requests;

namespace EdgeMatrix.Federation.Devices;

/// <summary>Asks other servers for all the devices of a user, each user once at a time, whoever wants to know.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1userdevicesuserid</remarks>
public sealed class DeviceListFetcher(FederationClient client, RemoteDeviceLists lists) : IDisposable
{
    // A thousand devices, each with the keys and signatures that are usual.
    private const int MaxAnswerBytes = 2 << 20;
    private const int MostUnderWay = 1_000;
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Flight> _flights = new(StringComparer.Ordinal);

    /// <summary>Asks for the list of a user, and keeps it.</summary>
    /// <returns>Why it was not given; null if it was.</returns>
    public Task<FederationFailure?> FetchAsync(string server, string userId)
    {
        lock (_lock)
        {
            if (!_flights.TryGetValue(userId, out var flight))
            {
                if (_flights.Count >= MostUnderWay)
                {
                    return Task.FromResult<FederationFailure?>(
                        new FederationFailure(FederationFailureKind.Unreachable, 0, null, "Too many lists of devices are being fetched"));
                }

                flight = new Flight();
                _flights[userId] = flight;
                flight.Answer = Task.Run(() => AskAsync(server, userId, flight));
            }

            return flight.Answer;
        }
    }

    /// <summary>News came of a user: what is being asked for at this moment may be from before.</summary>
    public void Overtake(string userId)
    {
        lock (_lock)
        {
            if (_flights.TryGetValue(userId, out var flight))
            {
                flight.IsOvertaken = true;
            }
        }
    }

    /// <summary>Ends what is under way.</summary>
    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
    }

    private async Task<FederationFailure?> AskAsync(string server, string userId, Flight flight)
    {
        try
        {
            var target = $"/_matrix/federation/v1/user/devices/{PathSegment.Of(userId)}";
            var request = FederationRequest.Get(server, target) with
            {
                Lane = FederationLane.Queries, MaxBytes = MaxAnswerBytes, Timeout = _timeout,
            };
            var answer = await client.SendAsync(request, _end.Token);
            if (answer.Json is not { } json)
            {
                return answer.Failure;
            }

            if (DeviceListAnswer.Read(userId, json) is not { } list)
            {
                return new FederationFailure(FederationFailureKind.Malformed, 200, null, $"{server} answered with no list of devices");
            }

            await lists.StoreAsync(server, userId, list, () => flight.IsOvertaken);
            return null;
        }
        finally
        {
            lock (_lock)
            {
                _flights.Remove(userId);
            }
        }
    }

    private sealed class Flight
    {
        private volatile bool _isOvertaken;

        public Task<FederationFailure?> Answer { get; set; } = Task.FromResult<FederationFailure?>(null);

        public bool IsOvertaken
        {
            get => _isOvertaken;
            set => _isOvertaken = value;
        }
    }
}
