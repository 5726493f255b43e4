using System.Text;

namespace EdgeMatrix.Configuration;

/// <summary>The options in force, and where each value came from.</summary>
internal sealed record EffectiveConfig(HomeserverOptions Options, IReadOnlyDictionary<string, string> Origins)
{
    private const string Mask = "********";

    /// <summary>The whole configuration as a TOML file, secrets masked, each value followed by its origin.</summary>
    public string ToToml()
    {
        var text = new StringBuilder();

        // Keys of no table come before all tables.
        foreach (var table in ConfigKeys.All.GroupBy(key => TableOf(key.Name)).OrderBy(table => table.Key.Length > 0))
        {
            text.Append(text.Length == 0 ? "" : "\n").Append(table.Key.Length == 0 ? "" : $"[{table.Key}]\n");
            foreach (var key in table)
            {
                var name = table.Key.Length == 0 ? key.Name : key.Name[(table.Key.Length + 1)..];
                var value = key.Read(Options);
                text.Append("# ").Append(key.Doc).Append('\n');
                text.Append(value switch
                {
                    IReadOnlyDictionary<string, string> { Count: 0 } => $"# {name}.\"{key.EntryName}\" = \"\"  # not set\n",
                    IReadOnlyDictionary<string, string> entries => string.Concat(entries.Select(entry =>
                        $"{name}.{Toml.WriteKey(entry.Key)} = {Toml.Write(entry.Value)}  # {Origins[$"{key.Name}.{Toml.WriteKey(entry.Key)}"]}\n")),
                    null => $"# {name} = \"\"  # not set\n",
                    _ when key.Secret => $"{name} = \"{Mask}\"  # masked; {OriginOf(key)}\n",
                    _ => $"{name} = {Toml.Write(value)}  # {OriginOf(key)}\n",
                });
            }
        }

        return text.ToString();
    }

    private static string TableOf(string name) => name[..Math.Max(0, name.IndexOf('.'))];

    private string OriginOf(ConfigKey key) => Origins.GetValueOrDefault(key.Name, "default");
}
