using EdgeMatrix.Federation.Requests;

namespace EdgeMatrix.Federation.Users;

/// <summary>Asks other servers for the profiles of their users.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile</remarks>
public sealed class RemoteProfiles(FederationClient client)
{
    private const int MaxAnswerBytes = 128 * 1024;

    // Somebody waits for it, who would see a name at most.
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(20);

    /// <param name="field">Null for the whole profile.</param>
    public Task<FederationAnswer> FindAsync(string serverName, string userId, string? field, CancellationToken cancellation)
    {
        var target = $"/_matrix/federation/v1/query/profile?user_id={Uri.EscapeDataString(userId)}"
            + (field is null ? "" : $"&field={Uri.EscapeDataString(field)}");
        var request = FederationRequest.Get(serverName, target) with { Lane = FederationLane.Queries, MaxBytes = MaxAnswerBytes, Timeout = _timeout };
        return client.SendAsync(request, cancellation);
    }
}
