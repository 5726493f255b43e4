namespace EdgeMatrix.Rooms.Engine;

/// <summary>Lets who needs all of a room's state wait until it is known: an entry a room that is waited for.</summary>
internal sealed class WholeRooms
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, TaskCompletionSource> _waiting = [];

    /// <summary>Ends when the room is whole the next time.</summary>
    /// <param name="room">Nid of the room.</param>
    public Task Next(long room)
    {
        lock (_lock)
        {
            if (!_waiting.TryGetValue(room, out var source))
            {
                _waiting[room] = source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return source.Task;
        }
    }

    /// <summary>The room is whole.</summary>
    public void Came(long room)
    {
        lock (_lock)
        {
            if (_waiting.Remove(room, out var source))
            {
                source.SetResult();
            }
        }
    }
}
