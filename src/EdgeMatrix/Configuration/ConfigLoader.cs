using EdgeMatrix.ClientApi;
using EdgeMatrix.Configuration.AppServices;

namespace EdgeMatrix.Configuration;

/// <summary>Puts the configuration together: file, environment, command line, and every problem with them at once.</summary>
internal sealed class ConfigLoader
{
    private const string EnvironmentPrefix = "EDGEMATRIX_";

    private readonly Dictionary<string, string> _origins = [];
    private readonly List<string> _problems = [];
    private HomeserverOptions _options = new();

    private ConfigLoader()
    {
    }

    /// <summary>The effective configuration, or null and what to put right, a line each.</summary>
    public static EffectiveConfig? Load(ConfigSources sources, out IReadOnlyList<string> problems)
    {
        var loader = new ConfigLoader();
        loader.ReadFile(sources.File);
        loader.ReadEnvironment(sources.Environment);
        loader.ReadCommandLine(sources.CommandLine);
        loader.CheckTogether();
        loader.ReadRegistrations();
        problems = loader._problems;
        return problems.Count == 0 ? new EffectiveConfig(loader._options, loader._origins) : null;
    }

    private void ReadFile(string? path)
    {
        if (path is null)
        {
            return;
        }

        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            _problems.Add($"{path}: {unreadable.Message}");
            return;
        }

        var faults = new List<Toml.Fault>();
        foreach (var (key, value, line) in Toml.Read(text, faults))
        {
            Assign(key, value, where: $"{path}:{line}", origin: $"file {path}:{line}");
        }

        _problems.AddRange(faults.Select(fault => $"{path}:{fault.Line}: {fault.Message}"));
    }

    private void ReadEnvironment(IReadOnlyList<KeyValuePair<string, string>> variables)
    {
        foreach (var (variable, text) in variables)
        {
            if (!variable.StartsWith(EnvironmentPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            var key = variable[EnvironmentPrefix.Length..].ToLowerInvariant().Replace("__", ".", StringComparison.Ordinal);
            if (key.Contains('.', StringComparison.Ordinal) || ConfigKeys.Find(key) is not null)
            {
                AssignText(key, text, where: variable, origin: $"environment {variable}");
            }
            else if (ConfigKeys.All.FirstOrDefault(known => known.Name.Replace('.', '_') == key) is { } meant)
            {
                _problems.Add($"{variable}: sets nothing; write {VariableOf(meant)}");
            }

            // Others are not ours: a cluster names ports and hosts of its services in the same way.
        }
    }

    private void ReadCommandLine(IReadOnlyList<CommandLineSetting> settings)
    {
        foreach (var setting in settings)
        {
            if (!setting.IsToml)
            {
                Assign(setting.Key, setting.Value, where: setting.Option, origin: $"command line {setting.Option}");
            }
            else if (Toml.ReadKey(setting.Key) is { } key)
            {
                AssignText(key, (string)setting.Value, where: $"--set {setting.Key}", origin: "command line --set");
            }
            else
            {
                _problems.Add($"--set {setting.Key}: not a key; write it as in --set log.level=debug");
            }
        }
    }

    /// <summary>Takes the text of a TOML value; "a bare word is a string".</summary>
    private void AssignText(string key, string text, string where, string origin)
    {
        var value = Toml.ReadValue(text);
        if (value is null && text.TrimStart() is ['"' or '\'' or '[' or '{', ..])
        {
            _problems.Add($"{where}: {text} is not a TOML value");
            return;
        }

        // 12 without quotes is a number in TOML, but no one who writes --set rooms.default_version=12 means one.
        var wordMeant = value is not (string or List<object>) && ConfigKeys.Find(key) is { TakesText: true };
        Assign(key, value is null || wordMeant ? text : value, where, origin);
    }

    private void Assign(string name, object value, string where, string origin)
    {
        if (ConfigKeys.Find(name) is not { } key)
        {
            _problems.Add($"{where}: unknown key {name}{(ConfigKeys.Nearest(name) is { } near ? $"; did you mean {near}?" : "")}");
            return;
        }

        var (options, refusal) = key.Assign(_options, value);
        if (options is null)
        {
            _problems.Add($"{where}: {name} {refusal}");
            return;
        }

        _options = options;
        _origins[name] = origin;
    }

    private void CheckTogether()
    {
        if (_options.Tls.Cert is null != _options.Tls.Key is null)
        {
            var (given, missing) = _options.Tls.Cert is null ? ("tls.key", "tls.cert") : ("tls.cert", "tls.key");
            _problems.Add($"{_origins[given]}: {given} needs {missing} beside it");
        }

        var email = _options.Email;
        Need("email.smtp", email.Smtp is not null, "server.public_baseurl", _options.Server.PublicBaseUrl is not null);
        Need("email.user", email.User is not null, "email.password", email.Password is not null);
        Need("email.password", email.Password is not null, "email.user", email.User is not null);
        Need("registration.email", _options.Registration.Email == EmailAtRegistration.Required, "email.smtp", email.Smtp is not null);
    }

    private void Need(string key, bool given, string other, bool otherGiven)
    {
        if (given && !otherGiven)
        {
            _problems.Add($"{_origins[key]}: {key} needs {other} beside it");
        }
    }

    private void ReadRegistrations()
    {
        var services = _options.AppServices;
        _options = _options with { AppServices = services with { Registrations = RegistrationFile.ReadAll(services.Files, _problems) } };
    }

    private static string VariableOf(ConfigKey key) =>
        EnvironmentPrefix + key.Name.Replace(".", "__", StringComparison.Ordinal).ToUpperInvariant();
}
