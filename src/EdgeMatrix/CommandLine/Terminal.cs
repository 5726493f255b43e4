using System.Text;
using Microsoft.Win32.SafeHandles;

namespace EdgeMatrix.CommandLine;

/// <summary>The standard streams of the process, or a test's.</summary>
/// <param name="ReadLine">Null at the end of the input. Asking for a line sets a terminal up for typing, so nothing is read ahead of need.</param>
internal sealed record Terminal(Func<string?> ReadLine, TextWriter Output, TextWriter Error)
{
    /// <summary>Shows a prompt and reads a line without echoing it; null where nobody sits at a terminal.</summary>
    public Func<string, string>? ReadHidden { get; init; }

    /// <summary>Whether the output is a screen that can show a QR code.</summary>
    public bool IsScreen { get; init; }

    /// <summary>Standard output as bytes, for what is written to be read by programs.</summary>
    public Func<Stream> OpenOutput { get; init; } = OpenStandardOutput;

    /// <summary>Standard input as bytes.</summary>
    public Func<Stream> OpenInput { get; init; } = System.Console.OpenStandardInput;

    public static Terminal OfProcess() => new(System.Console.ReadLine, System.Console.Out, System.Console.Error)
    {
        ReadHidden = System.Console.IsInputRedirected ? null : ReadHiddenLine,
        IsScreen = !System.Console.IsOutputRedirected,
    };

    /// <summary>Says on standard error what went wrong.</summary>
    public void Complain(string problem) => Error.WriteLine($"edgematrix: {problem}");

    // The console's own stream takes a pipe that nobody reads any more for one that reads all; a file that others append to it treats well.
    private static Stream OpenStandardOutput()
    {
        if (!OperatingSystem.IsWindows() && System.Console.IsOutputRedirected)
        {
            var output = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            if (!output.CanSeek)
            {
                return output;
            }
        }

        return System.Console.OpenStandardOutput();
    }

    private static string ReadHiddenLine(string prompt)
    {
        System.Console.Error.Write(prompt);
        var line = new StringBuilder();
        while (System.Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                line.Length = Math.Max(0, line.Length - 1);
            }
            else if (!char.IsControl(key.KeyChar))
            {
                line.Append(key.KeyChar);
            }
        }

        System.Console.Error.WriteLine();
        return line.ToString();
    }
}
