using Xunit;

namespace EdgeMatrix.Storage.Tests;

public sealed class StatementTests : IAsyncLifetime
{
    private readonly TemporaryDatabase _files = new();
    private Database _database = null!;

    public ValueTask InitializeAsync()
    {
        _database = _files.Open("CREATE TABLE sequence (name, reserved); CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c);");
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    [InlineData("žluťoučký 🐎")]
    public Task Text_comes_back(string text) => WithAsync(db =>
    {
        using var query = db.Prepare("SELECT ?, typeof(?), length(CAST(? AS BLOB))").Bind(text).Bind(text).Bind(text);
        Assert.True(query.Step());
        Assert.Equal(text, query.Text(0));
        Assert.Equal(text, query.TextOrNull(0));
        Assert.Equal("text", query.Text(1));
        Assert.Equal(System.Text.Encoding.UTF8.GetByteCount(text), query.Int64(2));
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    public Task Long_text_and_blobs_come_back(int length) => WithAsync(db =>
    {
        var blob = new byte[length];
        new Random(1).NextBytes(blob);
        var text = new string('ž', length);
        using var query = db.Prepare("SELECT ?, ?, typeof(?1)").Bind(blob.AsSpan()).Bind(text);
        Assert.True(query.Step());
        Assert.Equal(blob, query.Blob(0));
        Assert.Equal(text, query.Text(1));
        Assert.Equal("blob", query.Text(2));
    });

    [Fact]
    public Task Numbers_and_nulls_come_back() => WithAsync(db =>
    {
        using var query = db.Prepare("SELECT ?, ?, ?, ?, ?, ?, ?, ?")
            .Bind(long.MinValue).Bind(7).Bind(true).Bind((long?)null).Bind((string?)null).BindNull().Bind((byte[]?)null).Bind((long?)5);
        Assert.True(query.Step());
        Assert.Equal(long.MinValue, query.Int64(0));
        Assert.Equal(7, query.Int32(1));
        Assert.Equal(1, query.Int32(2));
        for (var column = 3; column < 7; column++)
        {
            Assert.True(query.IsNull(column));
            Assert.Null(query.TextOrNull(column));
            Assert.Null(query.Int64OrNull(column));
        }

        Assert.Equal(5, query.Int64OrNull(7));
    });

    [Fact]
    public Task The_same_sql_nests() => WithAsync(db =>
    {
        for (var n = 1; n <= 3; n++)
        {
            using var insert = db.Prepare("INSERT INTO t (a) VALUES (?)").Bind(n);
            insert.Run();
        }

        var pairs = new List<(long, long)>();
        using var outer = db.Prepare("SELECT a FROM t ORDER BY id");
        while (outer.Step())
        {
            using var inner = db.Prepare("SELECT a FROM t ORDER BY id");
            while (inner.Step())
            {
                pairs.Add((outer.Int64(0), inner.Int64(0)));
            }
        }

        Assert.Equal([(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3)], pairs);
    });

    [Fact]
    public Task A_statement_is_compiled_once_and_the_cache_is_bounded() => WithAsync(db =>
    {
        var first = db.Prepare("SELECT 1");
        first.Dispose();
        var again = db.Prepare("SELECT 1");
        Assert.Same(first, again);

        for (var n = 0; n < 500; n++)
        {
            using var other = db.Prepare($"SELECT {n} + 1");
            other.Step();
        }

        Assert.True(again.Step());
        again.Dispose();
        Assert.NotSame(db.Prepare("SELECT 3 + 1"), db.Prepare("SELECT 3 + 1"));
    });

    [Fact]
    public Task Binding_again_starts_anew() => WithAsync(db =>
    {
        using var insert = db.Prepare("INSERT INTO t (a) VALUES (?)");
        insert.Bind(1).Run();
        Assert.Equal(1, db.LastInsertRowId);
        insert.Bind(2).Run();
        Assert.Equal(2, db.LastInsertRowId);
        Assert.Equal(1, insert.Changes);

        using var update = db.Prepare("UPDATE t SET b = 1");
        update.Run();
        Assert.Equal(2, update.Changes);

        using var query = db.Prepare("SELECT a FROM t WHERE id = ?").Bind(1);
        Assert.True(query.Step());
        Assert.True(query.Bind(2).Step());
        Assert.Equal(2, query.Int64(0));
        Assert.False(query.Step());
    });

    [Fact]
    public Task A_parameter_that_is_not_bound_is_a_mistake() => WithAsync(db =>
    {
        using var query = db.Prepare("SELECT ?, ?").Bind(1);

        Assert.Throws<InvalidOperationException>(() => query.Step());
    });

    [Fact]
    public Task A_statement_given_back_cannot_be_used() => WithAsync(db =>
    {
        var query = db.Prepare("SELECT ?");
        query.Dispose();
        query.Dispose();

        Assert.Throws<ObjectDisposedException>(() => query.Bind(1));
        Assert.Throws<ObjectDisposedException>(() => query.Step());
    });

    [Fact]
    public Task Wrong_sql_says_what_is_wrong() => WithAsync(db =>
    {
        var failure = Assert.Throws<DatabaseException>(() => db.Prepare("SELECT a FROM nowhere"));

        Assert.Contains("nowhere", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, failure.ResultCode);
    });

    [Fact]
    public Task A_statement_that_failed_works_again() => WithAsync(db =>
    {
        using var insert = db.Prepare("INSERT INTO t (id) VALUES (?)");
        insert.Bind(1).Run();
        Assert.Throws<DatabaseException>(() => insert.Bind(1).Run());
        insert.Bind(2).Run();

        using var count = db.Prepare("SELECT count(*) FROM t");
        Assert.True(count.Step());
        Assert.Equal(2, count.Int64(0));
    });

    private Task WithAsync(Action<WriteTransaction> work) => _database.WriteAsync(work);
}
