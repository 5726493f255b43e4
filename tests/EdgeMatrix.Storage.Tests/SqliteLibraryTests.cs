using Xunit;

namespace EdgeMatrix.Storage.Tests;

public sealed class SqliteLibraryTests
{
    [Fact]
    public void Connections_share_no_lock_that_counts_memory() => Assert.True(SqliteLibrary.IsConfigured);
}
