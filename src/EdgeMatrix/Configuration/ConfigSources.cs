namespace EdgeMatrix.Configuration;

/// <summary>Where configuration comes from; a later member wins over an earlier one.</summary>
internal sealed record ConfigSources
{
    /// <summary>The path of a TOML file, or null.</summary>
    public string? File { get; init; }

    /// <summary>All environment variables; those called <c>EDGEMATRIX_A__B</c> set the key <c>a.b</c>.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary>What the command line sets, in its order.</summary>
    public IReadOnlyList<CommandLineSetting> CommandLine { get; init; } = [];
}

/// <summary>One key that the command line sets.</summary>
/// <param name="Option">The option that did, as in <c>--set</c>.</param>
/// <param name="Key">As written.</param>
/// <param name="Value">For <c>--set</c> the text of a TOML value; for an option of its own a string or a list of strings, taken as it is.</param>
internal readonly record struct CommandLineSetting(string Option, string Key, object Value)
{
    public bool IsToml => Option == "--set";
}
