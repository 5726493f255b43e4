using EdgeMatrix.Protocol;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Work that an administrator asked for and asks after: a hundred pieces, in memory. What is done is forgotten first, and nothing that is under way.</summary>
public sealed class AdminTasks(RandomSource random, TimeProvider time)
{
    private const int MaxTasks = 100;

    private readonly Lock _lock = new();
    private readonly List<AdminTask> _tasks = [];

    /// <summary>Begins work on a room or a user, unless some of the kind is under way there.</summary>
    /// <param name="taken">What to say if there is.</param>
    internal (AdminTask? Task, MatrixError? Error) Begin(AdminTaskKind kind, string subject, string taken, Func<AdminTask, Task> work)
    {
        AdminTask task;
        lock (_lock)
        {
            if (_tasks.Any(known => known.Kind == kind && known.Subject == subject && known.Status == AdminTask.Active))
            {
                return (null, MatrixError.BadRequest(taken));
            }

            if (_tasks.Count == MaxTasks)
            {
                var done = _tasks.FindIndex(known => known.Status != AdminTask.Active);
                if (done < 0)
                {
                    return (null, MatrixError.LimitExceeded($"{MaxTasks} pieces of work are under way already"));
                }

                _tasks.RemoveAt(done);
            }

            task = new AdminTask(random.Base62(16), kind, subject, time);
            _tasks.Add(task);
        }

        _ = RunAsync(task, work);
        return (task, null);
    }

    internal AdminTask? Find(AdminTaskKind kind, string id)
    {
        lock (_lock)
        {
            return _tasks.Find(task => task.Kind == kind && task.Id == id);
        }
    }

    internal IReadOnlyList<AdminTask> Of(AdminTaskKind kind, string subject)
    {
        lock (_lock)
        {
            return _tasks.FindAll(task => task.Kind == kind && task.Subject == subject);
        }
    }

    /// <summary>All of it, the oldest first.</summary>
    internal IReadOnlyList<AdminTask> All()
    {
        lock (_lock)
        {
            return [.. _tasks];
        }
    }

    private static async Task RunAsync(AdminTask task, Func<AdminTask, Task> work)
    {
        await Task.Yield();
        try
        {
            await work(task);
            task.Status = AdminTask.Complete;
        }
        catch (Exception exception)
        {
            // Told to whoever asks for the status: nobody else waits for it.
            task.Error = exception.Message;
            task.Status = AdminTask.Failed;
        }
    }
}

internal enum AdminTaskKind
{
    DeleteRoom,
    PurgeHistory,
    RedactUser,
}

/// <param name="subject">The id of the room or user that it is about.</param>
internal sealed class AdminTask(string id, AdminTaskKind kind, string subject, TimeProvider time)
{
    public const string Active = "active";
    public const string Complete = "complete";
    public const string Failed = "failed";

    private volatile string _status = Active;
    private long _changedTs = time.GetUtcNow().ToUnixTimeMilliseconds();

    public string Id => id;

    public AdminTaskKind Kind => kind;

    public string Subject => subject;

    public string Status
    {
        get => _status;
        set
        {
            Volatile.Write(ref _changedTs, time.GetUtcNow().ToUnixTimeMilliseconds());
            _status = value;
        }
    }

    /// <summary>When the status became what it is, ms since the Unix epoch.</summary>
    public long ChangedTs => Volatile.Read(ref _changedTs);

    public string? Error { get; set; }

    /// <summary>What came of the deletion of a room; null until it is done.</summary>
    public ShutDownRoom? Result { get; set; }

    /// <summary>Events that could not be redacted, and why; null until it is known.</summary>
    public IReadOnlyDictionary<string, string>? NotRedacted { get; set; }
}

/// <summary>What became of those who were in a room that was deleted.</summary>
internal sealed record ShutDownRoom(IReadOnlyList<string> Kicked, IReadOnlyList<string> Aliases, string? NewRoomId);
