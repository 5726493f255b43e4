using EdgeMatrix.Configuration;

namespace EdgeMatrix.CommandLine;

/// <summary>Reads the command line. Options may stand before, between or after the words of a command, as <c>--data DIR</c> or <c>--data=DIR</c>.</summary>
internal sealed class Arguments
{
    private static readonly (string Words, Command Command)[] Commands =
    [
        ("serve", Command.Serve),
        ("user add", Command.UserAdd),
        ("user list", Command.UserList),
        ("user reset-password", Command.UserResetPassword),
        ("config", Command.Config),
        ("version", Command.Version),
        ("help", Command.Help),
    ];

    private static readonly string[] OptionsWithValue = ["--config", "--data", "--server-name", "--listen", "--set"];

    private static readonly string[] Flags = ["--password-stdin", "--admin", "--help", "--version"];

    private readonly Queue<string> _arguments;
    private readonly List<string> _words = [];
    private readonly List<string> _listeners = [];
    private readonly List<CommandLineSetting> _sets = [];
    private readonly List<CommandLineSetting> _settings = [];
    private readonly HashSet<string> _flags = [];
    private string? _configFile;
    private string? _problem;

    private Arguments(IEnumerable<string> arguments) => _arguments = new Queue<string>(arguments);

    /// <summary>The invocation, or null and what is wrong with it.</summary>
    public static Invocation? Parse(IEnumerable<string> arguments, out string? problem)
    {
        var reader = new Arguments(arguments);
        var invocation = reader.Read();
        problem = reader._problem;
        return problem is null ? invocation : null;
    }

    private Invocation? Read()
    {
        while (_problem is null && _arguments.TryDequeue(out var argument))
        {
            if (argument == "-h")
            {
                _flags.Add("--help");
            }
            else if (argument.StartsWith('-'))
            {
                ReadOption(argument);
            }
            else
            {
                _words.Add(argument);
            }
        }

        if (_listeners.Count > 0)
        {
            _settings.Add(new("--listen", "server.listen", new List<object>(_listeners)));
        }

        return _problem is null ? ReadCommand() : null;
    }

    private void ReadOption(string argument)
    {
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        var (option, value) = equals < 0 ? (argument, null) : (argument[..equals], argument[(equals + 1)..]);
        if (Flags.Contains(option))
        {
            _problem = value is null ? null : $"{option} takes no value";
            _flags.Add(option);
        }
        else if (!OptionsWithValue.Contains(option))
        {
            var near = EditDistance.Nearest(option, [.. OptionsWithValue, .. Flags]);
            _problem = $"unknown option {option}{(near is null ? "" : $"; did you mean {near}?")}";
        }
        else if (value is null && !_arguments.TryDequeue(out value))
        {
            _problem = $"{option} needs a value";
        }
        else
        {
            Take(option, value);
        }
    }

    private void Take(string option, string value)
    {
        switch (option)
        {
            case "--config":
                _configFile = value;
                break;
            case "--data":
                _settings.Add(new(option, "server.data", value));
                break;
            case "--server-name":
                _settings.Add(new(option, "server.name", value));
                break;
            case "--listen":
                _listeners.Add(value);
                break;
            default:
                TakeSet(value);
                break;
        }
    }

    private void TakeSet(string assignment)
    {
        // An equals sign inside a quoted part of the key is the key's own.
        var quoted = false;
        for (var i = 0; i < assignment.Length; i++)
        {
            quoted ^= assignment[i] == '"';
            if (assignment[i] == '=' && !quoted)
            {
                _sets.Add(new("--set", assignment[..i].Trim(), assignment[(i + 1)..].Trim()));
                return;
            }
        }

        _problem = $"--set {assignment}: write --set KEY=VALUE";
    }

    private Invocation? ReadCommand()
    {
        var (command, rest) = FindCommand();
        if (_problem is not null)
        {
            return null;
        }

        var takesName = command is Command.UserAdd or Command.UserResetPassword;
        var unfit = rest.Skip(takesName ? 1 : 0).Concat(FlagsUnfitFor(command)).FirstOrDefault();
        if (takesName && rest.Length == 0)
        {
            _problem = $"{NameOf(command)} needs the NAME of a user";
        }
        else if (unfit is not null)
        {
            _problem = $"{NameOf(command)} does not take {unfit}";
        }

        return new Invocation
        {
            Command = command,
            UserName = takesName ? rest.FirstOrDefault() : null,
            PasswordFromStdin = _flags.Contains("--password-stdin"),
            Admin = _flags.Contains("--admin"),
            ConfigFile = _configFile,
            Settings = [.. _sets, .. _settings],
        };
    }

    private (Command Command, string[] Words) FindCommand()
    {
        if (_flags.Remove("--help"))
        {
            return (Command.Help, []);
        }

        if (_flags.Remove("--version"))
        {
            return (Command.Version, []);
        }

        if (_words.Count == 0)
        {
            return (Command.Serve, []);
        }

        var length = _words[0] == "user" ? 2 : 1;
        var asked = string.Join(' ', _words.Take(length));
        foreach (var (words, command) in Commands)
        {
            if (words == asked)
            {
                return (command, [.. _words.Skip(length)]);
            }
        }

        var near = EditDistance.Nearest(asked, Commands.Select(command => command.Words));
        _problem = length == 2 ? $"unknown command {asked}; there are user add, user list and user reset-password"
            : $"unknown command {asked}{(near is null ? "" : $"; did you mean {near}?")}";
        return default;
    }

    private IEnumerable<string> FlagsUnfitFor(Command command) => _flags.Where(flag => flag switch
    {
        "--password-stdin" => command is not (Command.UserAdd or Command.UserResetPassword),
        "--admin" => command is not Command.UserAdd,
        _ => false,
    });

    private static string NameOf(Command command) => Commands.First(known => known.Command == command).Words;
}
