using SQLitePCL;

namespace EdgeMatrix.Storage;

/// <summary>One job's part of the group that is being written. Valid while the job runs, on the thread that writes.</summary>
public sealed class WriteTransaction : Session
{
    private readonly StreamPositions _positions;
    private List<Action>? _afterCommit;

    internal WriteTransaction(DatabaseConnection connection, StreamPositions positions, EventBodyCodec bodies, KnownStateKeys stateKeys)
        : base(connection, bodies, stateKeys) => _positions = positions;

    /// <summary>The rowid of the last row inserted.</summary>
    public long LastInsertRowId => raw.sqlite3_last_insert_rowid(Connection.Handle);

    /// <summary>The highest position that this job took; 0 if none.</summary>
    internal long LastPosition { get; private set; }

    internal IReadOnlyList<Action> AfterCommitActions => _afterCommit ?? [];

    /// <summary>
    /// Takes the next number of the one sequence that orders everything a client can sync. It only ever grows, also across
    /// restarts; a job that fails leaves a gap.
    /// </summary>
    public long NextPosition() => LastPosition = _positions.Next(Connection);

    /// <summary>Leaves out positions before the next: they are orders for what is placed before it later.</summary>
    public void SkipPositions(long count) => _positions.Skip(count);

    /// <summary>
    /// Runs an action once this job is on disk and <see cref="Database.CommittedPosition"/> has moved, before the job's task
    /// completes; in order, on the thread that writes, so keep it short. Forgotten if the job fails. What it throws faults the
    /// job's task, though the job is written.
    /// </summary>
    public void AfterCommit(Action action)
    {
        EnsureOpen();
        (_afterCommit ??= []).Add(action);
    }

    internal void Finish() => End()?.ReturnAll();
}
