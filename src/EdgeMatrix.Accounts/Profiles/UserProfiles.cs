using System.Text;
using System.Text.Json;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Accounts.Profiles;

public enum ProfileVerdict
{
    Done,

    /// <summary>The profile would have more than <see cref="UserProfiles.MaxBytes"/>.</summary>
    TooLarge,
}

/// <summary>The profiles of local users: a display name, an avatar, and fields of any other name.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#profiles</remarks>
public sealed class UserProfiles(Database database, RoomMembers members)
{
    /// <summary>"the total profile MUST be under 64 KiB"</summary>
    public const int MaxBytes = 65_535;

    /// <summary>Every field with its JSON value, by name; null if this server has no such user.</summary>
    public IReadOnlyList<(string Field, string Value)>? Find(string userId)
    {
        using var snapshot = database.OpenSnapshot();
        return AccountTable.Find(snapshot, userId) is { } account ? ProfileTable.All(snapshot, account.User) : null;
    }

    /// <summary>The JSON value of a field; null if there is no such field, or no such user here.</summary>
    public string? Find(string userId, string field)
    {
        using var snapshot = database.OpenSnapshot();
        return AccountTable.Find(snapshot, userId) is { } account ? ProfileTable.Get(snapshot, account.User, field) : null;
    }

    /// <summary>Sets a field; a display name or avatar shows in the user's rooms before this ends.</summary>
    /// <param name="user">Nid of the user.</param>
    public async Task<ProfileVerdict> SetAsync(long user, string userId, string field, JsonElement value, CancellationToken cancellationToken)
    {
        var text = Json.Compact(value);
        var verdict = await database.WriteAsync(db =>
        {
            var others = ProfileTable.All(db, user).Where(known => known.Field != field);
            if (Size([.. others, (field, text)]) > MaxBytes)
            {
                return (ProfileVerdict?)ProfileVerdict.TooLarge;
            }

            if (ProfileTable.Get(db, user, field) == text)
            {
                return null;
            }

            ProfileTable.Set(db, user, field, text);
            return ProfileVerdict.Done;
        });
        if (verdict == ProfileVerdict.Done)
        {
            await ShowAsync(user, userId, field, cancellationToken);
        }

        return verdict ?? ProfileVerdict.Done;
    }

    /// <summary>Removes a field, if it is there.</summary>
    public async Task RemoveAsync(long user, string userId, string field, CancellationToken cancellationToken)
    {
        if (await database.WriteAsync(db => ProfileTable.Delete(db, user, field)))
        {
            await ShowAsync(user, userId, field, cancellationToken);
        }
    }

    private async Task ShowAsync(long user, string userId, string field, CancellationToken cancellationToken)
    {
        if (field is "displayname" or "avatar_url")
        {
            await members.ProfileChangedAsync(user, userId, cancellationToken);
        }
    }

    /// <summary>Bytes of the profile as one canonical object.</summary>
    private static int Size(List<(string Field, string Value)> fields) =>
        1 + fields.Sum(field => Encoding.UTF8.GetByteCount(field.Field) + Encoding.UTF8.GetByteCount(field.Value) + 4);
}
