using System.Diagnostics.CodeAnalysis;

namespace EdgeMatrix.Protocol.Identifiers;

/// <summary>A name for a room: <c>#localpart:server</c>, at most 255 bytes of UTF-8.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/appendices/#room-aliases</remarks>
public readonly record struct RoomAlias
{
    private readonly int _colon;

    private RoomAlias(string value, int colon)
    {
        Value = value;
        _colon = colon;
    }

    public string Value { get; }

    public string Localpart => Value[1.._colon];

    /// <summary>The server that owns the alias and answers for it.</summary>
    public string ServerName => Value[(_colon + 1)..];

    public static bool TryParse([NotNullWhen(true)] string? text, out RoomAlias alias)
    {
        alias = default;
        if (!IdentifierText.IsLegal(text, '#'))
        {
            return false;
        }

        var colon = text!.IndexOf(':');
        if (colon < 2 || !Identifiers.ServerName.IsValid(text.AsSpan(colon + 1)))
        {
            return false;
        }

        alias = new RoomAlias(text, colon);
        return true;
    }

    public override string ToString() => Value;
}
