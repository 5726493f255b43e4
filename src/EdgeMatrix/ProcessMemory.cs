using System.Runtime;
using EdgeMatrix.NativeLibraries;

namespace EdgeMatrix;

/// <summary>The memory of the process, which servers in one process share. A test has a made-up one.</summary>
/// <param name="Resident">Bytes in RAM, those of mapped files too.</param>
/// <param name="GiveBack">Collects garbage, and returns to the system what is free or can be read again. Takes tens of milliseconds.</param>
public sealed record ProcessMemory(Func<long> Resident, Action GiveBack)
{
    public static ProcessMemory OfThisProcess() => new(() => Environment.WorkingSet, () =>
    {
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        ExecutablePages.LetGo();
    });
}
