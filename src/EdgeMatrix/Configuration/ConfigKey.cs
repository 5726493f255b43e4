using System.Globalization;

namespace EdgeMatrix.Configuration;

/// <summary>One key of the configuration: how it is called, what it holds, and where it lives in <see cref="HomeserverOptions"/>.</summary>
internal sealed class ConfigKey
{
    private readonly Func<HomeserverOptions, object, Assignment> _assign;
    private readonly Func<HomeserverOptions, object?> _read;
    private Func<string, ConfigKey>? _entry;

    private ConfigKey(string name, string doc, Func<HomeserverOptions, object?> read, Func<HomeserverOptions, object, Assignment> assign)
    {
        Name = name;
        Doc = doc;
        _read = read;
        _assign = assign;
    }

    /// <summary>Dotted, as in <c>server.name</c>.</summary>
    public string Name { get; }

    /// <summary>One line for people, without the name.</summary>
    public string Doc { get; }

    /// <summary>Whether the value may not be shown.</summary>
    public bool Secret { get; private init; }

    /// <summary>Whether a bare word or number, as the environment and the command line have it, is meant as a string.</summary>
    public bool TakesText { get; private init; }

    /// <summary>Of a key that is a table with entries of any name: what stands for the name in <c>edgematrix config</c>; else null.</summary>
    public string? EntryName { get; private init; }

    /// <summary>The key of an entry of a table.</summary>
    /// <param name="name">Dotted, with the name of the table before it.</param>
    public ConfigKey Entry(string name) => _entry!(name);

    /// <summary>A string, a bool, a list of strings, a dictionary of the entries of a table, or null where nothing is chosen.</summary>
    public object? Read(HomeserverOptions options) => _read(options);

    /// <param name="value">A TOML value: string, bool, long, double, or a list of those.</param>
    public Assignment Assign(HomeserverOptions options, object value) => _assign(options, value);

    /// <param name="refuse">What is wrong with a value, or null.</param>
    public static ConfigKey Text(
        string name,
        string doc,
        Func<HomeserverOptions, string?> read,
        Func<HomeserverOptions, string, HomeserverOptions> write,
        Func<string, string?> refuse,
        bool secret = false) =>
        new(name, doc, read, (options, value) => value switch
        {
            string text when refuse(text) is { } problem => Assignment.Refuse(problem),
            string text => Assignment.Of(write(options, text)),
            _ => Assignment.Refuse($"must be a string, in quotes, not {Toml.Write(value)}"),
        })
        { TakesText = true, Secret = secret };

    public static ConfigKey Flag(
        string name, string doc, Func<HomeserverOptions, bool> read, Func<HomeserverOptions, bool, HomeserverOptions> write) =>
        new(name, doc, options => read(options), (options, value) =>
            value is bool flag ? Assignment.Of(write(options, flag)) : Assignment.Refuse($"must be true or false, not {Toml.Write(value)}"));

    /// <summary>A whole number.</summary>
    public static ConfigKey Number(
        string name, string doc, int least, int most, Func<HomeserverOptions, int?> read, Func<HomeserverOptions, int, HomeserverOptions> write) =>
        new(name, doc, options => (long?)read(options), (options, value) =>
            (value is string text && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed : value as long?)
                is { } number && number >= least && number <= most
                ? Assignment.Of(write(options, (int)number))
                : Assignment.Refuse($"must be a number from {least} to {most}, not {Toml.Write(value)}"));

    /// <summary>A time, such as <c>30s</c>, <c>15m</c>, <c>12h</c> or <c>7d</c>.</summary>
    public static ConfigKey Time(
        string name, string doc, Func<HomeserverOptions, TimeSpan?> read, Func<HomeserverOptions, TimeSpan, HomeserverOptions> write) =>
        Text(
            name,
            doc,
            options => read(options) is { } time ? Quantities.Write(time) : null,
            (options, text) => write(options, Quantities.ParseTime(text)!.Value),
            text => Quantities.ParseTime(text) is null ? $"must be a time such as 30s, 15m, 12h or 7d, not {Toml.Write(text)}" : null);

    /// <summary>A number of bytes, bare or such as <c>500MB</c> or <c>10GB</c>; units are powers of 1024.</summary>
    public static ConfigKey Size(
        string name, string doc, Func<HomeserverOptions, long?> read, Func<HomeserverOptions, long, HomeserverOptions> write) =>
        new(name, doc, options => read(options) is { } bytes ? Quantities.Write(bytes) : null, (options, value) =>
        {
            var bytes = value is not string text ? value as long?
                : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
                : Quantities.ParseSize(text);
            return bytes >= 0
                ? Assignment.Of(write(options, bytes.Value))
                : Assignment.Refuse($"must be a size such as 500MB or 10GB, or a number of bytes, not {Toml.Write(value)}");
        })
        { TakesText = true };

    /// <summary>A number of bytes, bare or as in <see cref="Size"/>, in bounds; or <c>auto</c>, which is null.</summary>
    public static ConfigKey SizeOrAuto(
        string name,
        string doc,
        long least,
        long most,
        Func<HomeserverOptions, long?> read,
        Func<HomeserverOptions, long?, HomeserverOptions> write) =>
        new(name, doc, options => read(options) is { } bytes ? Quantities.Write(bytes) : "auto", (options, value) =>
        {
            if (value is "auto")
            {
                return Assignment.Of(write(options, null));
            }

            var bytes = value switch
            {
                long number => number,
                string text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
                string text => Quantities.ParseSize(text),
                _ => null,
            };
            return bytes is not { } size
                ? Assignment.Refuse($"must be a size such as 64MB, or \"auto\", not {Toml.Write(value)}")
                : size < least || size > most
                    ? Assignment.Refuse($"must be {Quantities.Write(least)} to {Quantities.Write(most)}, not {Toml.Write(value)}")
                    : Assignment.Of(write(options, size));
        })
        { TakesText = true };

    /// <summary>A list of strings; a single string stands for a list of one.</summary>
    public static ConfigKey List(
        string name,
        string doc,
        Func<HomeserverOptions, IReadOnlyList<string>> read,
        Func<HomeserverOptions, IReadOnlyList<string>, HomeserverOptions> write,
        Func<string, string?> refuse,
        bool mayBeEmpty = false) =>
        new(name, doc, read, (options, value) =>
        {
            IReadOnlyList<object> items = value is IReadOnlyList<object> list ? list : [value];
            var texts = items.OfType<string>().ToList();
            if ((items.Count == 0 && !mayBeEmpty) || texts.Count < items.Count)
            {
                return Assignment.Refuse($"must be a list of strings, as in [\"…\"], not {Toml.Write(value)}");
            }

            return texts.Select(refuse).FirstOrDefault(problem => problem is not null) is { } problem
                ? Assignment.Refuse(problem)
                : Assignment.Of(write(options, texts));
        })
        { TakesText = true };

    /// <summary>A table of strings by names of any kind, which stand in quotes where they are no bare keys.</summary>
    /// <param name="refuse">What is wrong with an entry, its name first, or null.</param>
    public static ConfigKey Table(
        string name,
        string entryName,
        string doc,
        Func<HomeserverOptions, IReadOnlyDictionary<string, string>> read,
        Func<HomeserverOptions, IReadOnlyDictionary<string, string>, HomeserverOptions> write,
        Func<string, string, string?> refuse) =>
        new(name, doc, read, (_, _) => Assignment.Refuse("is a table"))
        {
            EntryName = entryName,
            _entry = dotted =>
            {
                var quoted = dotted[(name.Length + 1)..];
                var entry = Toml.ReadValue(quoted) as string ?? quoted;
                return Text(
                    dotted,
                    doc,
                    options => read(options).GetValueOrDefault(entry),
                    (options, value) => write(options, new Dictionary<string, string>(read(options)) { [entry] = value }),
                    value => refuse(entry, value));
            },
        };

    /// <summary>One of a few words.</summary>
    public static ConfigKey Choice<T>(
        string name,
        string doc,
        IReadOnlyList<(string Word, T Value)> choices,
        Func<HomeserverOptions, T> read,
        Func<HomeserverOptions, T, HomeserverOptions> write)
        where T : notnull
    {
        string WordOf(HomeserverOptions options) => choices.First(choice => choice.Value.Equals(read(options))).Word;

        Assignment Assign(HomeserverOptions options, object value)
        {
            foreach (var (word, chosen) in choices)
            {
                if (word.Equals(value))
                {
                    return Assignment.Of(write(options, chosen));
                }
            }

            var words = string.Join(", ", choices.Select(choice => Toml.Write(choice.Word)));
            return Assignment.Refuse($"must be one of {words}, not {Toml.Write(value)}");
        }

        return new(name, doc, WordOf, Assign) { TakesText = true };
    }

    /// <summary>The options with a value in place, or why it was refused.</summary>
    internal readonly record struct Assignment(HomeserverOptions? Options, string? Refusal)
    {
        public static Assignment Of(HomeserverOptions options) => new(options, null);

        public static Assignment Refuse(string problem) => new(null, problem);
    }
}
