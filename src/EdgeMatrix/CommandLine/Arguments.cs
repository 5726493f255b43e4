using EdgeMatrix.Configuration;
using EdgeMatrix.Console.Inspection;

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
        ("user admin", Command.UserAdmin),
        ("user lock", Command.UserLock),
        ("user suspend", Command.UserSuspend),
        ("user logout", Command.UserLogOut),
        ("user deactivate", Command.UserDeactivate),
        ("room export", Command.RoomExport),
        ("room explain", Command.RoomExplain),
        ("storage", Command.Storage),
        ("appservices", Command.AppServices),
        ("doctor", Command.Doctor),
        ("federation", Command.Federation),
        ("rotate-key", Command.RotateKey),
        ("tardis", Command.Tardis),
        ("backup", Command.Backup),
        ("restore", Command.Restore),
        ("config", Command.Config),
        ("version", Command.Version),
        ("help", Command.Help),
    ];

    private static readonly string[] OptionsWithValue = ["--config", "--data", "--server-name", "--listen", "--set", "--file", "--room-version"];

    private static readonly string[] Flags = ["--password-stdin", "--admin", "--off", "--erase", "--ndjson", "--json5", "--json", "--vacuum", "--help", "--version"];

    private const string BackupPlace = "FILE of the backup, or - for a pipe";

    private readonly Queue<string> _arguments;
    private readonly List<string> _words = [];
    private readonly List<string> _listeners = [];
    private readonly List<CommandLineSetting> _sets = [];
    private readonly List<CommandLineSetting> _settings = [];
    private readonly HashSet<string> _flags = [];
    private string? _configFile;
    private string? _roomFile;
    private string? _roomVersion;
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
            else if (argument != "-" && argument.StartsWith('-'))
            {
                ReadOption(argument);
            }
            else
            {
                _words.Add(argument);
            }
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
            case "--file":
                _roomFile = value;
                break;
            case "--room-version":
                _roomVersion = value;
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

        var places = PlacesOf(command);
        var unfit = rest.Skip(places.Length).Concat(OptionsUnfitFor(command)).FirstOrDefault();
        if (rest.Length < places.Count(place => !place.StartsWith('[')))
        {
            _problem = $"{NameOf(command)} needs the {places[rest.Length]}";
        }
        else if (unfit is not null)
        {
            _problem = $"{NameOf(command)} does not take {unfit}";
        }
        else if (_flags.Contains("--ndjson") && _flags.Contains("--json5"))
        {
            _problem = $"{NameOf(command)} takes --ndjson or --json5, not both";
        }

        if (_problem is null && _flags.Contains("--json") && _flags.Contains("--vacuum"))
        {
            _problem = $"{NameOf(command)} takes --json or --vacuum, not both";
        }

        if (_listeners.Count > 0 && command != Command.Tardis)
        {
            _settings.Add(new("--listen", "server.listen", new List<object>(_listeners)));
        }

        return new Invocation
        {
            Command = command,
            UserName = WordFor("NAME of a user"),
            Room = WordFor("ROOM: its id or an alias"),
            EventId = WordFor("[EVENT]"),
            BackupFile = WordFor(BackupPlace),
            Json = _flags.Contains("--json"),
            Vacuum = _flags.Contains("--vacuum"),
            PasswordFromStdin = _flags.Contains("--password-stdin"),
            Admin = _flags.Contains("--admin"),
            Off = _flags.Contains("--off"),
            Erase = _flags.Contains("--erase"),
            Format = _flags.Contains("--ndjson") ? ExportFormat.Ndjson : _flags.Contains("--json5") ? ExportFormat.Scenario : ExportFormat.Array,
            RoomFile = _roomFile,
            RoomVersion = _roomVersion,
            TardisAddress = command == Command.Tardis ? _listeners.LastOrDefault() : null,
            ConfigFile = _configFile,
            Settings = [.. _sets, .. _settings],
        };

        string? WordFor(string place) => rest.ElementAtOrDefault(Array.IndexOf(places, place) is >= 0 and var index ? index : int.MaxValue);
    }

    // What the words after a command stand for, in their order; in brackets what may be left out.
    private string[] PlacesOf(Command command) => command switch
    {
        Command.UserAdd or Command.UserResetPassword or Command.UserAdmin or Command.UserLock or Command.UserSuspend
            or Command.UserLogOut or Command.UserDeactivate => ["NAME of a user"],
        Command.RoomExport => ["ROOM: its id or an alias"],
        Command.RoomExplain => _roomFile is null ? ["ROOM: its id or an alias", "[EVENT]"] : ["[EVENT]"],
        Command.Backup or Command.Restore => [BackupPlace],
        _ => [],
    };

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

        var length = _words[0] is "user" or "room" ? 2 : 1;
        var asked = string.Join(' ', _words.Take(length));
        foreach (var (words, command) in Commands)
        {
            if (words == asked)
            {
                return (command, [.. _words.Skip(length)]);
            }
        }

        var near = EditDistance.Nearest(asked, Commands.Select(command => command.Words));
        _problem = _words[0] == "user" ? $"unknown command {asked}; there are {string.Join(", ", Commands.Select(known => known.Words).Where(known => known.StartsWith("user ", StringComparison.Ordinal)))}"
            : _words[0] == "room" ? $"unknown command {asked}; there are room export and room explain"
            : $"unknown command {asked}{(near is null ? "" : $"; did you mean {near}?")}";
        return default;
    }

    private IEnumerable<string> OptionsUnfitFor(Command command)
    {
        string?[] given = [.. _flags, _roomFile is null ? null : "--file", _roomVersion is null ? null : "--room-version"];
        return given.OfType<string>().Where(option => option switch
        {
            "--password-stdin" => command is not (Command.UserAdd or Command.UserResetPassword),
            "--admin" => command is not Command.UserAdd,
            "--off" => command is not (Command.UserAdmin or Command.UserLock or Command.UserSuspend),
            "--erase" => command is not Command.UserDeactivate,
            "--ndjson" or "--json5" => command is not Command.RoomExport,
            "--json" or "--vacuum" => command is not Command.Storage,
            "--file" => command is not Command.RoomExplain,
            "--room-version" => command is not Command.RoomExplain || _roomFile is null,
            _ => false,
        });
    }

    private static string NameOf(Command command) => Commands.First(known => known.Command == command).Words;
}
