using EdgeMatrix.Protocol;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>Work that an administrator asked for and asks after: the newest hundred, in memory.</summary>
public sealed class AdminTasks(RandomSource random)
{
    private const int MaxTasks = 100;

    private readonly Lock _lock = new();
    private readonly List<AdminTask> _tasks = [];

    /// <summary>Begins work on a room, unless some of the kind is under way there.</summary>
    /// <returns>Null if there is.</returns>
    internal AdminTask? Begin(AdminTaskKind kind, string roomId, Func<AdminTask, Task> work)
    {
        AdminTask task;
        lock (_lock)
        {
            if (_tasks.Any(known => known.Kind == kind && known.RoomId == roomId && known.Status == AdminTask.Active))
            {
                return null;
            }

            if (_tasks.Count == MaxTasks)
            {
                _tasks.RemoveAt(0);
            }

            task = new AdminTask(random.Base62(16), kind, roomId);
            _tasks.Add(task);
        }

        _ = RunAsync(task, work);
        return task;
    }

    internal AdminTask? Find(AdminTaskKind kind, string id)
    {
        lock (_lock)
        {
            return _tasks.Find(task => task.Kind == kind && task.Id == id);
        }
    }

    internal IReadOnlyList<AdminTask> OfRoom(AdminTaskKind kind, string roomId)
    {
        lock (_lock)
        {
            return _tasks.FindAll(task => task.Kind == kind && task.RoomId == roomId);
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
}

internal sealed class AdminTask(string id, AdminTaskKind kind, string roomId)
{
    public const string Active = "active";
    public const string Complete = "complete";
    public const string Failed = "failed";

    private volatile string _status = Active;

    public string Id => id;

    public AdminTaskKind Kind => kind;

    public string RoomId => roomId;

    public string Status
    {
        get => _status;
        set => _status = value;
    }

    public string? Error { get; set; }

    /// <summary>What came of the deletion of a room; null until it is done.</summary>
    public ShutDownRoom? Result { get; set; }
}

/// <summary>What became of those who were in a room that was deleted.</summary>
internal sealed record ShutDownRoom(IReadOnlyList<string> Kicked, IReadOnlyList<string> Aliases, string? NewRoomId);
