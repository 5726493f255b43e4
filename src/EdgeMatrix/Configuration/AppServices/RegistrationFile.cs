using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Protocol.Identifiers;
using EdgeMatrix.Protocol.Patterns;

namespace EdgeMatrix.Configuration.AppServices;

/// <summary>Reads the registration file of an application service. Keys that are not known are passed over.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/application-service-api/#registration</remarks>
internal sealed class RegistrationFile
{
    private readonly string _path;
    private readonly List<string> _problems;
    private readonly IReadOnlyDictionary<string, YamlValue> _members;
    private readonly int _line;

    private RegistrationFile(string path, YamlValue.Map root, List<string> problems)
    {
        (_path, _members, _line, _problems) = (path, root.Members, root.Line, problems);
    }

    /// <summary>Reads all of them, and looks that no two have the same id or token.</summary>
    /// <param name="problems">Takes what is to be put right, a line each.</param>
    public static IReadOnlyList<AppServiceRegistration> ReadAll(IEnumerable<string> paths, List<string> problems)
    {
        var read = new List<(string Path, AppServiceRegistration Registration)>();
        foreach (var path in paths)
        {
            if (Read(path, problems) is not { } registration)
            {
                continue;
            }

            // "each as_token and id MUST be unique per application service"
            foreach (var (other, earlier) in read)
            {
                if (earlier.Id == registration.Id)
                {
                    problems.Add($"{path}: id {registration.Id} is that of {other} as well");
                }

                if (earlier.AsToken == registration.AsToken)
                {
                    problems.Add($"{path}: as_token is that of {other} as well");
                }
            }

            read.Add((path, registration));
        }

        return read.Select(one => one.Registration).ToArray();
    }

    private static AppServiceRegistration? Read(string path, List<string> problems)
    {
        try
        {
            return YamlReader.Read(File.ReadAllText(path)) switch
            {
                YamlValue.Map root => new RegistrationFile(path, root, problems).Read(),
                var other => Refuse($"{path}:{other?.Line ?? 1}: a registration is a map of keys and values, as id: and url:"),
            };
        }
        catch (YamlException wrong)
        {
            return Refuse($"{path}:{wrong.Line}: {wrong.Message}");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return Refuse($"{path}: {unreadable.Message}");
        }

        AppServiceRegistration? Refuse(string problem)
        {
            problems.Add(problem);
            return null;
        }
    }

    private AppServiceRegistration? Read()
    {
        var before = _problems.Count;
        var namespaces = ReadNamespaces();
        var registration = new AppServiceRegistration
        {
            Id = ReadText("id"),
            Url = ReadUrl(),
            AsToken = ReadText("as_token"),
            HsToken = ReadText("hs_token"),
            SenderLocalpart = ReadSender(),
            Users = ReadNamespace(namespaces, "users"),
            Aliases = ReadNamespace(namespaces, "aliases"),
            Rooms = ReadNamespace(namespaces, "rooms"),
            RateLimited = ReadFlag("rate_limited", absent: true),
            Protocols = ReadTexts("protocols"),
            ReceiveEphemeral = ReadFlag("receive_ephemeral", absent: false),
            PushEphemeral = ReadFlag("de.sorunome.msc2409.push_ephemeral", absent: false),
            Encryption = ReadFlag("org.matrix.msc3202", absent: false),
        };
        return _problems.Count == before ? registration : null;
    }

    private string ReadText(string name)
    {
        if (!_members.TryGetValue(name, out var value))
        {
            return Refuse(_line, $"{name} is missing", "");
        }

        return value is YamlValue.Scalar { IsNull: false, Text: { Length: > 0 } text } ? text : Refuse(value.Line, $"{name} must be a text", "");
    }

    private Uri? ReadUrl()
    {
        if (!_members.TryGetValue("url", out var value))
        {
            return Refuse<Uri?>(_line, "url is missing; where the application service is to be told nothing, write url: null", null);
        }

        if (value is YamlValue.Scalar { IsNull: true })
        {
            return null;
        }

        return value is YamlValue.Scalar { Text: var text } && Uri.TryCreate(text, UriKind.Absolute, out var url)
            && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)
            && url.UserInfo.Length == 0 && url.Query.Length == 0 && url.Fragment.Length == 0
                ? url
                : Refuse<Uri?>(value.Line, "url must be one of http or https, as http://127.0.0.1:29318, or null", null);
    }

    private string ReadSender()
    {
        var localpart = ReadText("sender_localpart");
        return localpart.Length == 0 || UserId.IsValidNewLocalpart(localpart)
            ? localpart
            : Refuse(_members["sender_localpart"].Line, "sender_localpart is what a user id has before the colon: of a-z, 0-9 and . _ = - / +", "");
    }

    private bool ReadFlag(string name, bool absent)
    {
        if (!_members.TryGetValue(name, out var value) || value is YamlValue.Scalar { IsNull: true })
        {
            return absent;
        }

        return (value as YamlValue.Scalar)?.Boolean ?? Refuse(value.Line, $"{name} must be true or false", false);
    }

    private string[] ReadTexts(string name)
    {
        if (!_members.TryGetValue(name, out var value) || value is YamlValue.Scalar { IsNull: true })
        {
            return [];
        }

        return value is YamlValue.List list && list.Items.All(item => item is YamlValue.Scalar { IsNull: false })
            ? list.Items.Cast<YamlValue.Scalar>().Select(item => item.Text).ToArray()
            : Refuse<string[]>(value.Line, $"{name} must be a list of texts", []);
    }

    private YamlValue.Map? ReadNamespaces()
    {
        if (!_members.TryGetValue("namespaces", out var value))
        {
            return Refuse<YamlValue.Map?>(_line, "namespaces is missing; without any, write namespaces: {}", null);
        }

        return value is YamlValue.Map map ? map
            : value is YamlValue.Scalar { IsNull: true } ? null
            : Refuse<YamlValue.Map?>(value.Line, "namespaces must be a map of users, aliases and rooms", null);
    }

    private List<AppServiceNamespace> ReadNamespace(YamlValue.Map? namespaces, string name)
    {
        var found = new List<AppServiceNamespace>();
        if (namespaces is null || !namespaces.Members.TryGetValue(name, out var value) || value is YamlValue.Scalar { IsNull: true })
        {
            return found;
        }

        if (value is not YamlValue.List list)
        {
            return Refuse(value.Line, $"namespaces.{name} must be a list", found);
        }

        foreach (var item in list.Items)
        {
            if (item is not YamlValue.Map map || map.Members.GetValueOrDefault("regex") is not YamlValue.Scalar { IsNull: false } regex)
            {
                Refuse(item.Line, $"an entry of namespaces.{name} needs a regex", found);
            }
            else if (map.Members.GetValueOrDefault("exclusive") is not YamlValue.Scalar { Boolean: { } exclusive })
            {
                Refuse(item.Line, $"an entry of namespaces.{name} needs exclusive, true or false", found);
            }
            else if (Pattern.TryParse(regex.Text, out var problem) is not { } pattern)
            {
                Refuse(regex.Line, $"the regex {regex.Text} cannot be used: {problem}", found);
            }
            else
            {
                found.Add(new AppServiceNamespace(pattern, exclusive));
            }
        }

        return found;
    }

    private T Refuse<T>(int line, string problem, T instead)
    {
        _problems.Add($"{_path}:{line}: {problem}");
        return instead;
    }
}
