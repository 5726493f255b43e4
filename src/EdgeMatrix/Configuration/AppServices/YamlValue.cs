namespace EdgeMatrix.Configuration.AppServices;

/// <summary>A value of a YAML file, and the line on which it begins, from 1 on.</summary>
internal abstract record YamlValue(int Line)
{
    /// <param name="Quoted">It is text, whatever it looks like.</param>
    public sealed record Scalar(string Text, bool Quoted, int Line) : YamlValue(Line)
    {
        public bool IsNull => !Quoted && Text is "" or "~" or "null" or "Null" or "NULL";

        /// <summary>Null for what is neither true nor false.</summary>
        public bool? Boolean => Quoted ? null : Text switch
        {
            "true" or "True" or "TRUE" => true,
            "false" or "False" or "FALSE" => false,
            _ => null,
        };
    }

    public sealed record List(IReadOnlyList<YamlValue> Items, int Line) : YamlValue(Line);

    public sealed record Map(IReadOnlyDictionary<string, YamlValue> Members, int Line) : YamlValue(Line);
}

/// <summary>What is wrong with a YAML file.</summary>
internal sealed class YamlException(int line, string message) : Exception(message)
{
    /// <summary>From 1 on.</summary>
    public int Line => line;
}
