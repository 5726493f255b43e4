using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Protocol;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;
using Xunit;

namespace EdgeMatrix.Server.Tests.Federation;

public sealed class KeyRotationTests : TwoServers
{
    private const string Profile = "/_matrix/federation/v1/query/profile?user_id=%40nobody%3Atwo";

    [Fact]
    public async Task A_new_key_signs_requests_and_the_old_one_what_it_signed()
    {
        Assert.Equal(404, (await AskAsync(Profile)).Failure!.Status);
        var old = One.Part<LocalServer>().Key.KeyId;
        var asOld = Authorize(Profile);
        var rotatedTs = One.Time.GetUtcNow().ToUnixTimeMilliseconds();

        await RestartOneAsync(async options =>
        {
            await using var database = Database.Open(HomeserverParts.DatabaseOf(options));
            await ServerIdentity.RotateAsync(database, new SeededRandom(9), One.Time);
        });

        Assert.NotEqual(old, One.Part<LocalServer>().Key.KeyId);
        Assert.Equal(
            rotatedTs, (await One.GetAsync("/_matrix/key/v2/server"))["old_verify_keys"].GetProperty(old).GetProperty("expired_ts").GetInt64());

        // Two knows the old key only; asked for the new one a minute after, it learns both.
        Two.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(404, (await AskAsync(Profile)).Failure!.Status);
        Assert.Equal((401, "M_UNAUTHORIZED"), await SendByHandAsync(Profile, asOld));
        var key = Two.Part<KeyRing>().KeysOf("one")[old];
        Assert.True(key.IsOld);
        Assert.True(key.MaySign(rotatedTs, enforcesKeyValidity: true));
        Assert.False(key.MaySign(rotatedTs + 1, enforcesKeyValidity: true));
    }

    [Fact]
    public async Task A_server_that_is_named_by_its_key_keeps_it()
    {
        var folder = Directory.CreateTempSubdirectory("edgematrix-test-").FullName;
        try
        {
            await using var database = Database.Open(new DatabaseOptions(Path.Combine(folder, "edgematrix.db")));
            using var server = (await ServerIdentity.OpenAsync(database, null, new SeededRandom(1))).Key;

            await Assert.ThrowsAsync<DatabaseException>(() => ServerIdentity.RotateAsync(database, new SeededRandom(2), TimeProvider.System));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
