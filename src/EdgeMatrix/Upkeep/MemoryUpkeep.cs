using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Upkeep;

/// <summary>
/// Watches the memory of the process. Above nine tenths of its limit every share of the budget is halved, and what is free goes back to the
/// system; below seven tenths they grow again. When the server has come to rest, what the work before needed goes back as well.
/// </summary>
internal sealed class MemoryUpkeep(Database database, ProcessMemory process)
{
    private const double Tight = 0.9;
    private const double Loose = 0.7;

    private long _seen;
    private bool _busy;

    public UpkeepJob Job => new("memory", TimeSpan.FromSeconds(20), SliceAsync);

    private async Task<bool> SliceAsync(CancellationToken cancellation)
    {
        var memory = database.Memory;
        var resident = process.Resident();
        if (resident > memory.Limit * Tight)
        {
            memory.Tighten();
            await GiveBackAsync();
            return false;
        }

        if (resident < memory.Limit * Loose)
        {
            memory.Loosen();
        }

        // Once after every stretch of work, and not while it lasts.
        var rests = database.Reads + database.Writes == _seen;
        if (rests && _busy)
        {
            _busy = false;
            await GiveBackAsync();
        }
        else if (!rests)
        {
            _busy = true;
            _seen = database.Reads + database.Writes;
        }

        return false;
    }

    private async Task GiveBackAsync()
    {
        await database.ShrinkAsync();
        process.GiveBack();
        _seen = database.Reads + database.Writes;
    }
}
