using System.Text;

namespace EdgeMatrix.Protocol.Json;

/// <summary>Which keys of an object are written: what redaction keeps, and what a hash or a signature leaves out.</summary>
internal sealed class KeyFilter
{
    private readonly bool _keepsListed;
    private readonly (byte[] Name, KeyFilter Inner)[] _listed;

    private KeyFilter(bool keepsListed, (byte[] Name, KeyFilter Inner)[] listed)
    {
        _keepsListed = keepsListed;
        _listed = listed;
    }

    /// <summary>Drops nothing, at any depth.</summary>
    public static KeyFilter Everything { get; } = new(keepsListed: false, []);

    /// <summary>Leaves an empty object.</summary>
    public static KeyFilter Nothing { get; } = Only();

    /// <summary>Keeps these keys with all that they hold.</summary>
    public static KeyFilter Only(params ReadOnlySpan<string> names) => new(keepsListed: true, Encode(names));

    /// <summary>Drops these keys, keeps every other with all that it holds.</summary>
    public static KeyFilter AllBut(params ReadOnlySpan<string> names) => new(keepsListed: false, Encode(names));

    /// <summary>Also keeps this key, if it holds an object, and of that object what <paramref name="inner"/> leaves.</summary>
    public KeyFilter With(string name, KeyFilter inner) => new(keepsListed: true, [.. _listed, (Encoding.UTF8.GetBytes(name), inner)]);

    /// <summary>Whether the key is written; and if so, what of its value.</summary>
    public bool Keeps(ReadOnlySpan<byte> name, out KeyFilter inner)
    {
        foreach (var listed in _listed)
        {
            if (name.SequenceEqual(listed.Name))
            {
                inner = listed.Inner;
                return _keepsListed;
            }
        }

        inner = Everything;
        return !_keepsListed;
    }

    private static (byte[] Name, KeyFilter Inner)[] Encode(ReadOnlySpan<string> names)
    {
        var encoded = new (byte[] Name, KeyFilter Inner)[names.Length];
        for (var index = 0; index < names.Length; index++)
        {
            encoded[index] = (Encoding.UTF8.GetBytes(names[index]), Everything);
        }

        return encoded;
    }
}
