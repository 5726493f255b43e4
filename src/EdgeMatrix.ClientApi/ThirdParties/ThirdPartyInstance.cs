using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Storage.Rooms;

namespace EdgeMatrix.ClientApi.ThirdParties;

/// <summary>Reads what clients call a network of an application service: the <c>instance_id</c> that they were told.</summary>
internal static class ThirdPartyInstance
{
    /// <summary>The directory of the network; one without rooms if there is no such network.</summary>
    public static RoomDirectory DirectoryOf(string instanceId, KnownAppServices services)
    {
        // The id of an application service may hold the separator, and so may the network.
        foreach (var service in services.All)
        {
            if (instanceId.Length > service.Id.Length
                && instanceId[service.Id.Length] == '|'
                && instanceId.StartsWith(service.Id, StringComparison.Ordinal))
            {
                return RoomDirectory.Of(service.Nid, instanceId[(service.Id.Length + 1)..]);
            }
        }

        return RoomDirectory.None;
    }
}
