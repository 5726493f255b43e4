using System.Globalization;

namespace EdgeMatrix.Benchmarks;

/// <summary>Options of a command, each <c>--name VALUE</c>.</summary>
internal sealed class Options
{
    private readonly Dictionary<string, string> _values = [];

    /// <exception cref="ArgumentException">An unknown option, or one without its value.</exception>
    public Options(IReadOnlyList<string> arguments, params string[] known)
    {
        for (var i = 0; i < arguments.Count; i += 2)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal) || !known.Contains(arguments[i][2..]) || i + 1 == arguments.Count)
            {
                throw new ArgumentException($"{arguments[i]}: expected --OPTION VALUE of {string.Join(", ", known)}");
            }

            _values[arguments[i][2..]] = arguments[i + 1];
        }
    }

    public string? Text(string name) => _values.GetValueOrDefault(name);

    public int Number(string name, int otherwise) =>
        _values.TryGetValue(name, out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
