using System.Text;
using EdgeMatrix.CommandLine;
using EdgeMatrix.Configuration;

namespace EdgeMatrix.Server.Tests.Inspection;

/// <summary>Runs a <c>room</c> command as if typed.</summary>
internal static class RoomCommandLine
{
    public static (int Code, string[] Lines) Run(string dataFolder, TextWriter error, params string[] arguments)
    {
        using var output = new MemoryStream();
        var code = Run(dataFolder, error, output, arguments);
        return (code, Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    public static int Run(string dataFolder, TextWriter error, Stream output, string[] arguments)
    {
        var options = new HomeserverOptions { Server = new ServerOptions { Data = dataFolder } };
        var terminal = new Terminal(() => null, TextWriter.Null, error) { OpenOutput = () => output };
        return new RoomCommands(options, terminal).Run(Arguments.Parse(arguments, out _)!);
    }
}
