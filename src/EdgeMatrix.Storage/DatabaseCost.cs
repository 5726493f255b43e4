namespace EdgeMatrix.Storage;

/// <summary>What work took in the database, told by counts that do not vary with the machine.</summary>
/// <param name="Statements">Statements started.</param>
/// <param name="Rows">Rows they returned.</param>
/// <param name="Steps">Instructions of SQLite's machine: they tell of rows that were looked at and not returned.</param>
/// <param name="Pages">Pages of the file asked for, whether or not they were in the cache.</param>
internal readonly record struct DatabaseCost(long Statements, long Rows, long Steps, long Pages)
{
    public static DatabaseCost operator +(DatabaseCost one, DatabaseCost other) =>
        new(one.Statements + other.Statements, one.Rows + other.Rows, one.Steps + other.Steps, one.Pages + other.Pages);

    public static DatabaseCost operator -(DatabaseCost one, DatabaseCost other) =>
        new(one.Statements - other.Statements, one.Rows - other.Rows, one.Steps - other.Steps, one.Pages - other.Pages);
}
