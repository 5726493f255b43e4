using System.Text.Json;
using EdgeMatrix.Federation.Devices;
using EdgeMatrix.Protocol.Json;
using EdgeMatrix.Protocol.Signing;

namespace EdgeMatrix.Federation.Receiving;

/// <summary>
/// <c>m.device_list_update</c> and <c>m.signing_key_update</c>: the devices or cross-signing keys of a user of another server changed.
/// </summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management</remarks>
public sealed class IncomingDeviceLists(RemoteDeviceLists lists, DeviceListFetcher fetcher)
{
    private const int MostPrevIds = 1_000;

    /// <summary><c>m.device_list_update</c></summary>
    /// <returns>Whether it was taken.</returns>
    public async Task<bool> ReceiveUpdateAsync(string origin, JsonElement content)
    {
        if (content.StringOrNull("user_id"u8) is not { } user || !EduOrigin.Owns(origin, user)
            || content.StringOrNull("device_id"u8) is not { } device || !DeviceListAnswer.IsDeviceId(device)
            || content.IntegerOrNull("stream_id"u8) is not { } streamId
            || ReadPrevIds(content) is not { } prevIds)
        {
            return false;
        }

        var isGone = content.Find("deleted"u8) is { ValueKind: JsonValueKind.True };
        var keys = isGone ? null : DeviceListAnswer.ReadDevice(user, device, content);
        fetcher.Overtake(user);
        await lists.UpdateAsync(origin, new DeviceListUpdate(user, device, streamId, prevIds, keys));
        return true;
    }

    /// <summary><c>m.signing_key_update</c></summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/server-server-api/#definition-msigning_key_update</remarks>
    /// <returns>Whether it was taken.</returns>
    public async Task<bool> ReceiveKeysAsync(string origin, JsonElement content)
    {
        if (content.StringOrNull("user_id"u8) is not { } user || !EduOrigin.Owns(origin, user))
        {
            return false;
        }

        var master = DeviceListAnswer.ReadCrossSigning(user, CrossSigningKey.Master, content.ObjectOrNull("master_key"u8));
        var selfSigning = DeviceListAnswer.ReadCrossSigning(user, CrossSigningKey.SelfSigning, content.ObjectOrNull("self_signing_key"u8));
        if (master is null && selfSigning is null)
        {
            return false;
        }

        fetcher.Overtake(user);
        await lists.UpdateKeysAsync(origin, user, master, selfSigning);
        return true;
    }

    /// <returns>Null if it is no list of numbers. It may be absent, as of a first update.</returns>
    private static List<long>? ReadPrevIds(JsonElement content)
    {
        if (content.Find("prev_id"u8) is not { ValueKind: not JsonValueKind.Null } given)
        {
            return [];
        }

        if (given.ValueKind != JsonValueKind.Array || given.GetArrayLength() > MostPrevIds)
        {
            return null;
        }

        var ids = given.EnumerateArray().Select(id => id.AsInteger()).ToList();
        return ids.Contains(null) ? null : [.. ids.Select(id => id!.Value)];
    }
}
