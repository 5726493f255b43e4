using System.Globalization;
using System.Text;

namespace EdgeMatrix.Console.Measuring;

/// <summary>What a server counts about itself: each part registers how to read a number, and nothing is read until someone asks. Thread safe.</summary>
/// <remarks>Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format</remarks>
public sealed class Metrics
{
    private readonly Lock _lock = new();
    private readonly List<Family> _families = [];

    /// <summary>Registers a number that only grows; by convention its name ends in <c>_total</c>.</summary>
    /// <param name="name">Letters, digits and underscores, the unit at its end.</param>
    /// <param name="labels">As they stand between the braces, <c>class="2xx"</c>, or empty. One name may have many sets of labels.</param>
    public void Counter(string name, string help, string labels, Func<double> read) => Add(name, help, "counter", labels, read);

    /// <inheritdoc cref="Counter(string, string, string, Func{double})"/>
    public void Counter(string name, string help, Func<double> read) => Counter(name, help, "", read);

    /// <summary>Registers a number that rises and falls.</summary>
    /// <inheritdoc cref="Counter(string, string, string, Func{double})"/>
    public void Gauge(string name, string help, string labels, Func<double> read) => Add(name, help, "gauge", labels, read);

    /// <inheritdoc cref="Gauge(string, string, string, Func{double})"/>
    public void Gauge(string name, string help, Func<double> read) => Gauge(name, help, "", read);

    /// <summary>Registers a number of each of things that come and go.</summary>
    /// <param name="read">Gives the labels, as above, and the value of each: no more than whoever collects them can bear.</param>
    public void Gauges(string name, string help, Func<IEnumerable<(string Labels, double Value)>> read)
    {
        lock (_lock)
        {
            if (_families.Exists(known => known.Name == name))
            {
                throw new ArgumentException($"{name} is registered already", nameof(name));
            }

            _families.Add(new Family(name, help, "gauge", []) { ReadMany = read });
        }
    }

    /// <summary>Reads everything, in the order of registration.</summary>
    public string ToPrometheusText()
    {
        var text = new StringBuilder();
        lock (_lock)
        {
            foreach (var family in _families)
            {
                text.Append(CultureInfo.InvariantCulture, $"# HELP {family.Name} {family.Help}\n# TYPE {family.Name} {family.Type}\n");
                foreach (var (labels, read) in family.Samples)
                {
                    var braces = labels.Length == 0 ? "" : $"{{{labels}}}";
                    text.Append(CultureInfo.InvariantCulture, $"{family.Name}{braces} {read()}\n");
                }

                foreach (var (labels, value) in family.ReadMany?.Invoke() ?? [])
                {
                    text.Append(CultureInfo.InvariantCulture, $"{family.Name}{{{labels}}} {value}\n");
                }
            }
        }

        return text.ToString();
    }

    private void Add(string name, string help, string type, string labels, Func<double> read)
    {
        lock (_lock)
        {
            var family = _families.Find(known => known.Name == name);
            if (family is null)
            {
                _families.Add(family = new Family(name, help, type, []));
            }

            if (family.Type != type || family.Samples.Exists(sample => sample.Labels == labels))
            {
                throw new ArgumentException($"{name}{{{labels}}} is registered already", nameof(name));
            }

            family.Samples.Add((labels, read));
        }
    }

    private sealed record Family(string Name, string Help, string Type, List<(string Labels, Func<double> Read)> Samples)
    {
        public Func<IEnumerable<(string Labels, double Value)>>? ReadMany { get; init; }
    }
}
