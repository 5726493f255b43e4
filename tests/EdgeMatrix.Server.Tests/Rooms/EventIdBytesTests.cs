using EdgeMatrix.Storage.Rooms;
using Xunit;

namespace EdgeMatrix.Server.Tests.Rooms;

/// <summary>Event ids as they are stored: whatever somebody asks for, it is looked for, and not stumbled over.</summary>
public sealed class EventIdBytesTests
{
    private const string Rest = "4U3wgNWcFKZJzxqyEVKnuLCyMLF8K2zJ-7RhWdM_5";

    [Theory]
    [InlineData("$" + Rest + "0g", 32)]
    [InlineData("$" + Rest + "0h", 44)]
    [InlineData("$" + Rest + "0!", 44)]
    [InlineData("$" + Rest + "0=", 44)]
    [InlineData("$" + Rest + "0 ", 44)]
    [InlineData("$" + Rest + "0é", 45)]
    [InlineData("$" + Rest, 42)]
    [InlineData("$0123456789012345678901234567:one", 33)]
    [InlineData("$", 1)]
    public void An_id_is_kept_as_its_hash_only_where_it_comes_back_letter_for_letter(string id, int bytes)
    {
        var stored = EventIdBytes.Encode(id);
        Assert.Equal((bytes, id), (stored.Length, EventIdBytes.Decode(stored)));
    }
}
