using System.Diagnostics;
using Xunit;

namespace EdgeMatrix.Crash.Tests;

/// <summary>A file system over a folder until disposed of, which root may make.</summary>
internal sealed class TestMount : IDisposable
{
    private TestMount(string path) => Path = path;

    public string Path { get; }

    /// <summary>The folder itself, which nobody may write to.</summary>
    public static TestMount ReadOnly(string folder)
    {
        Run("mount", "--bind", folder, folder);
        var mount = new TestMount(folder);
        Run("mount", "-o", "remount,bind,ro", folder);
        return mount;
    }

    /// <summary>An empty disk.</summary>
    /// <param name="size">As <c>64k</c>.</param>
    public static TestMount OfSize(string folder, string size)
    {
        Run("mount", "-ttmpfs", "-o", $"size={size}", "tmpfs", folder);
        return new TestMount(folder);
    }

    public void Resize(string size) => Run("mount", "-o", $"remount,size={size}", Path);

    public void Dispose() => Run("umount", Path);

    private static void Run(string program, params string[] words)
    {
        using var process = Process.Start(program, words);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
