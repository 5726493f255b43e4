using EdgeMatrix.Configuration;
using Microsoft.Extensions.Logging;
using Xunit;

namespace EdgeMatrix.Server.Tests.Configuration;

public sealed class ConfigLoaderTests : IDisposable
{
    private const string AllVersions =
        "\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\", \"10\", \"11\", \"12\"";

    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Without_any_source_the_defaults_hold()
    {
        var options = Load(new ConfigSources()).Options;

        Assert.Null(options.Server.Name);
        Assert.Equal(["http://0.0.0.0:8008"], options.Server.Listen);
        Assert.Equal("./edgematrix-data", options.Server.Data);
        Assert.False(options.Registration.Open);
        Assert.Equal("12", options.Rooms.DefaultVersion);
        Assert.Equal(Durability.Full, options.Storage.Durability);
        Assert.Equal(LogLevel.Information, options.Log.Level);
    }

    [Fact]
    public void The_environment_wins_over_the_file_and_the_command_line_over_both()
    {
        File.WriteAllText(_file, "[server]\nname = \"file.org\"\ndata = \"/file\"\n[log]\nlevel = \"error\"\n");
        var config = Load(new ConfigSources
        {
            File = _file,
            Environment = [new("EDGEMATRIX_SERVER__NAME", "environment.org"), new("EDGEMATRIX_LOG__LEVEL", "debug"), new("HOME", "/root")],
            CommandLine = [Set("server.name", "command.org")],
        });

        Assert.Equal("command.org", config.Options.Server.Name);
        Assert.Equal(LogLevel.Debug, config.Options.Log.Level);
        Assert.Equal("/file", config.Options.Server.Data);
        Assert.Equal("command line --set", config.Origins["server.name"]);
        Assert.Equal("environment EDGEMATRIX_LOG__LEVEL", config.Origins["log.level"]);
        Assert.Equal($"file {_file}:3", config.Origins["server.data"]);
    }

    [Fact]
    public void Servers_are_pinned_by_names_in_quotes_or_bare()
    {
        File.WriteAllText(_file, "[federation.hosts]\n\"a.org:8448\" = \"10.0.0.1:8448\"\nhs2 = \"[::1]:1\"\n");
        var config = Load(new ConfigSources { File = _file, CommandLine = [Set("federation.hosts.\"b.org\"", "10.0.0.2:8448")] });

        Assert.Equal(
            [("a.org:8448", "10.0.0.1:8448"), ("b.org", "10.0.0.2:8448"), ("hs2", "[::1]:1")],
            config.Options.Federation.Hosts.Select(host => (host.Key, host.Value)).Order());
        Assert.Contains($"hosts.\"a.org:8448\" = \"10.0.0.1:8448\"  # file {_file}:2\n", config.ToToml(), StringComparison.Ordinal);
        Assert.Contains("# hosts.\"NAME\" = \"\"  # not set\n", Load(new ConfigSources()).ToToml(), StringComparison.Ordinal);
        Assert.Null(ConfigLoader.Load(new ConfigSources { CommandLine = [Set("federation.hosts.a", "b.org:1")] }, out var problems));
        Assert.Equal(["--set federation.hosts.a: federation.hosts.a must be IP:PORT, as in \"192.168.1.7:8448\", not \"b.org:1\""], problems);
    }

    [Fact]
    public void Inline_and_dotted_tables_say_the_same_as_headed_ones()
    {
        File.WriteAllText(_file, "server = { name = \"a.org\", listen = [\"http://127.0.0.1:1\", \"https://[::1]:2\"] }\nlog.format = \"json\"\n");
        var options = Load(new ConfigSources { File = _file }).Options;

        Assert.Equal("a.org", options.Server.Name);
        Assert.Equal(["http://127.0.0.1:1", "https://[::1]:2"], options.Server.Listen);
        Assert.Equal(LogFormat.Json, options.Log.Format);
    }

    [Fact]
    public void A_size_has_a_unit_or_is_a_bare_number_of_bytes()
    {
        File.WriteAllText(_file, "[media]\nmax_upload = 20000000\nuser_quota = \"2GB\"\n");
        var ofFile = Load(new ConfigSources { File = _file }).Options.Media;
        var ofWords = Load(new ConfigSources { CommandLine = [Set("media.max_upload", "30000000"), Set("media.user_quota", "1MB")] }).Options.Media;

        Assert.Equal(new MediaOptions { MaxUpload = 20_000_000, UserQuota = 2L << 30 }, ofFile);
        Assert.Equal(new MediaOptions { MaxUpload = 30_000_000, UserQuota = 1 << 20 }, ofWords);
    }

    [Fact]
    public void Every_problem_of_a_file_is_told_with_its_line()
    {
        File.WriteAllText(_file, "[server]\nnmae = \"a.org\"\nlisten = \"ftp://x\"\n\n[registration]\nopen = \"yes\"\n[rooms]\ndefault_version = \"13\"\n");

        Assert.Equal(
            [
                $"{_file}:2: unknown key server.nmae; did you mean server.name?",
                $"{_file}:3: server.listen \"ftp://x\" must begin with http:// or https://",
                $"{_file}:6: registration.open must be true or false, not \"yes\"",
                $"{_file}:8: rooms.default_version must be one of {AllVersions}, not \"13\"",
            ],
            Problems(new ConfigSources { File = _file }));
    }

    [Fact]
    public void Each_line_that_is_not_TOML_is_told_once()
    {
        File.WriteAllText(_file, "[server\nname = a.org\n");
        var problems = Problems(new ConfigSources { File = _file });

        Assert.Equal([$"{_file}:1: ", $"{_file}:2: "], problems.Select(problem => problem[..($"{_file}:1: ".Length)]));
    }

    [Fact]
    public void A_key_set_twice_in_a_file_is_refused()
    {
        File.WriteAllText(_file, "[server]\nname = \"a.org\"\nname = \"b.org\"\n");

        Assert.StartsWith($"{_file}:3: ", Assert.Single(Problems(new ConfigSources { File = _file })), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_missing_is_named()
    {
        Assert.StartsWith("/nowhere/edge.toml: ", Assert.Single(Problems(new ConfigSources { File = "/nowhere/edge.toml" })), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("registration.open", "true", "registration.open")]
    [InlineData("rooms.default_version", "1", "rooms.default_version")]
    [InlineData("rooms.default_version", "11", "rooms.default_version")]
    [InlineData("admin.token", "12345", "admin.token")]
    [InlineData("server.public_baseurl", "https://matrix.example.org", "server.public_baseurl")]
    [InlineData("server.listen", "[\"http://127.0.0.1:0\"]", "server.listen")]
    [InlineData("server.\"name\"", "'quoted.org'", "server.name")]
    public void A_value_on_the_command_line_is_TOML_and_a_bare_word_a_string(string key, string value, string set)
    {
        Assert.Contains(set, Load(new ConfigSources { CommandLine = [Set(key, value)] }).Origins);
    }

    [Theory]
    [InlineData("bridges.\"a.org\"", "\"1.2.3.4:5\"", "--set bridges.\"a.org\": unknown key bridges.\"a.org\"")]
    [InlineData("server.name", "\"half", "--set server.name: \"half is not a TOML value")]
    [InlineData("server name", "x", "--set server name: not a key; write it as in --set log.level=debug")]
    [InlineData("registration.open", "yes", "--set registration.open: registration.open must be true or false, not \"yes\"")]
    [InlineData("server.name", "Not a name", "--set server.name: server.name \"Not a name\" is no server name: a host name or an IP address, then perhaps :PORT")]
    public void A_wrong_setting_is_named_as_it_was_written(string key, string value, string problem)
    {
        Assert.Equal(problem, Assert.Single(Problems(new ConfigSources { CommandLine = [Set(key, value)] })));
    }

    [Fact]
    public void A_variable_with_one_underscore_too_few_is_told_and_a_foreign_one_is_not()
    {
        var problems = Problems(new ConfigSources
        {
            Environment = [new("EDGEMATRIX_SERVER_NAME", "a.org"), new("EDGEMATRIX_SERVICE_HOST", "10.0.0.1"), new("EDGEMATRIX_LOG__LEVLE", "debug")],
        });

        Assert.Equal(
            [
                "EDGEMATRIX_SERVER_NAME: sets nothing; write EDGEMATRIX_SERVER__NAME",
                "EDGEMATRIX_LOG__LEVLE: unknown key log.levle; did you mean log.level?",
            ],
            problems);
    }

    [Fact]
    public void A_certificate_without_its_key_is_refused()
    {
        Assert.Equal("command line --set: tls.cert needs tls.key beside it", Assert.Single(Problems(new ConfigSources { CommandLine = [Set("tls.cert", "a.pem")] })));
    }

    [Fact]
    public void Mail_needs_a_place_for_links_to_lead_to()
    {
        Assert.Equal(
            "command line --set: email.smtp needs server.public_baseurl beside it",
            Assert.Single(Problems(new ConfigSources { CommandLine = [Set("email.smtp", "mail.example.org:587")] })));
        Assert.Equal(
            "command line --set: registration.email needs email.smtp beside it",
            Assert.Single(Problems(new ConfigSources { CommandLine = [Set("registration.email", "required")] })));
    }

    [Theory]
    [InlineData("example.org:8448", "noreply@example.org")]
    [InlineData("localhost", "noreply@localhost")]
    [InlineData("[::1]:8448", "noreply@localhost")]
    public void Mail_comes_from_the_host_of_the_servers_name_unless_a_sender_is_given(string serverName, string sender)
    {
        var settings = new EmailSettings { Smtp = "mail.example.org:587" };
        Assert.Equal(sender, settings.ToOptions("https://example.org", serverName)!.From);
        Assert.Equal("home@example.net", (settings with { From = "home@example.net" }).ToOptions("https://example.org", serverName)!.From);
    }

    [Theory]
    [InlineData("mail.example.org")]
    [InlineData("mail.example.org:587/path")]
    [InlineData("user@mail.example.org:587")]
    [InlineData("mail.example.org:0")]
    public void A_mail_server_is_a_host_and_a_port(string relay) =>
        Assert.StartsWith("--set email.smtp: email.smtp must be HOST:PORT", Problems(new ConfigSources { CommandLine = [Set("email.smtp", relay)] })[0], StringComparison.Ordinal);

    [Fact]
    public void What_config_prints_is_a_file_that_says_the_same_and_keeps_secrets()
    {
        var config = Load(new ConfigSources { CommandLine = [Set("server.name", "a.org"), Set("admin.token", "hush"), Set("storage.durability", "relaxed")] });
        var toml = config.ToToml();

        Assert.Contains("name = \"a.org\"  # command line --set\n", toml, StringComparison.Ordinal);
        Assert.Contains("token = \"********\"  # masked; command line --set\n", toml, StringComparison.Ordinal);
        Assert.Contains("level = \"information\"  # default\n", toml, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", toml, StringComparison.Ordinal);

        File.WriteAllText(_file, toml);
        var again = Load(new ConfigSources { File = _file }).Options;
        Assert.Equal(config.Options.Server.Name, again.Server.Name);
        Assert.Equal(config.Options.Storage, again.Storage);
        Assert.Equal(config.Options.Log, again.Log);
    }

    [Fact]
    public void Application_services_are_named_before_all_tables_and_their_files_are_read()
    {
        var registration = Path.ChangeExtension(_file, ".yaml");
        File.WriteAllText(registration, "id: irc\nurl: null\nas_token: a\nhs_token: h\nsender_localpart: bot\nnamespaces: {}\n");
        File.WriteAllText(_file, $"appservices = [\"{registration}\"]\n[server]\nname = \"a.org\"\n");
        var config = Load(new ConfigSources { File = _file });
        Assert.Equal("irc", Assert.Single(config.Options.AppServices.Registrations).Id);

        File.WriteAllText(_file, config.ToToml());
        Assert.Equal([registration], Load(new ConfigSources { File = _file }).Options.AppServices.Files);
        var byEnvironment = Load(new ConfigSources { Environment = [new("EDGEMATRIX_APPSERVICES", $"[\"{registration}\"]")] });
        Assert.Single(byEnvironment.Options.AppServices.Registrations);

        File.WriteAllText(registration, "id: irc\n");
        Assert.Contains($"{registration}:1: as_token is missing", Problems(new ConfigSources { CommandLine = [Set("appservices", registration)] }));
        File.Delete(registration);
    }

    private static CommandLineSetting Set(string key, string value) => new("--set", key, value);

    private static EffectiveConfig Load(ConfigSources sources)
    {
        var config = ConfigLoader.Load(sources, out var problems);
        Assert.Empty(problems);
        return config!;
    }

    [Theory]
    [InlineData("64MB", 67_108_864L)]
    [InlineData("67108864", 67_108_864L)]
    [InlineData("1GB", 1_073_741_824L)]
    [InlineData("auto", null)]
    public void A_limit_of_memory_is_bytes_or_a_size_or_auto(string text, long? bytes)
    {
        Assert.Equal(bytes, Load(new ConfigSources { CommandLine = [Set("memory.limit", text)] }).Options.Memory.Limit);

        File.WriteAllText(_file, $"memory.limit = {(text.All(char.IsDigit) ? text : $"\"{text}\"")}\n");
        Assert.Equal(bytes, Load(new ConfigSources { File = _file }).Options.Memory.Limit);
    }

    [Theory]
    [InlineData("16MB", "must be 32MB to 1TB, not \"16MB\"")]
    [InlineData("-1", "must be a size such as 64MB, or \"auto\", not \"-1\"")]
    [InlineData("much", "must be a size such as 64MB, or \"auto\", not \"much\"")]
    public void A_limit_of_memory_that_no_server_can_keep_is_refused(string text, string problem)
    {
        var problems = Problems(new ConfigSources { CommandLine = [Set("memory.limit", text)] });

        Assert.Contains(problem, Assert.Single(problems), StringComparison.Ordinal);
    }

    private static IReadOnlyList<string> Problems(ConfigSources sources)
    {
        Assert.Null(ConfigLoader.Load(sources, out var problems));
        return problems;
    }
}
