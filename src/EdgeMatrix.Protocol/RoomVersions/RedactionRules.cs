using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Protocol.Json;

namespace EdgeMatrix.Protocol.RoomVersions;

/// <summary>What redaction leaves of an event: keys of the event itself, and keys of its content by event type.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#redactions</remarks>
public sealed class RedactionRules
{
    private static readonly string[] TopLevelOfV11 =
    [
        "event_id", "type", "room_id", "sender", "state_key", "content", "hashes", "signatures", "depth", "prev_events", "auth_events",
        "origin_server_ts",
    ];

    private readonly HashSet<string> _topLevel;
    private readonly Dictionary<string, KeyFilter> _content;
    private readonly Dictionary<string, KeyFilter> _signed;
    private readonly Dictionary<string, KeyFilter> _whole;
    private readonly KeyFilter _signedWithoutContent;
    private readonly KeyFilter _wholeWithoutContent;

    private RedactionRules(string[] topLevel, Dictionary<string, KeyFilter> content)
    {
        _topLevel = [.. topLevel];
        _content = content;

        string[] whole = [.. topLevel.Where(static key => key != "content")];
        string[] signed = [.. whole.Where(static key => key != "signatures")];
        _whole = content.ToDictionary(static entry => entry.Key, entry => KeyFilter.Only(whole).With("content", entry.Value));
        _signed = content.ToDictionary(static entry => entry.Key, entry => KeyFilter.Only(signed).With("content", entry.Value));
        _wholeWithoutContent = KeyFilter.Only(whole).With("content", KeyFilter.Nothing);
        _signedWithoutContent = KeyFilter.Only(signed).With("content", KeyFilter.Nothing);
    }

    /// <summary>The rules of room versions 1 to 5.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v1/#redactions</remarks>
    internal static RedactionRules V1 { get; } = new(
        [.. TopLevelOfV11, "prev_state", "origin", "membership"],
        new Dictionary<string, KeyFilter>
        {
            [EventTypes.Member] = KeyFilter.Only("membership"),
            [EventTypes.Create] = KeyFilter.Only("creator"),
            [EventTypes.JoinRules] = KeyFilter.Only("join_rule"),
            [EventTypes.PowerLevels] = KeyFilter.Only(
                "ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default"),
            [EventTypes.Aliases] = KeyFilter.Only("aliases"),
            [EventTypes.HistoryVisibility] = KeyFilter.Only("history_visibility"),
        });

    /// <summary>"All significant meaning for <c>m.room.aliases</c> has been removed": room versions 6 and 7.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v6/#redactions</remarks>
    internal static RedactionRules V6 { get; } = V1.With(EventTypes.Aliases, KeyFilter.Nothing);

    /// <summary>"<c>m.room.join_rules</c> events now keep <c>allow</c>": room version 8.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v8/#redactions</remarks>
    internal static RedactionRules V8 { get; } = V6.With(EventTypes.JoinRules, KeyFilter.Only("join_rule", "allow"));

    /// <summary>"<c>m.room.member</c> events now keep <c>join_authorised_via_users_server</c>": room versions 9 and 10.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v9/#redactions</remarks>
    internal static RedactionRules V9 { get; } = V8.With(
        EventTypes.Member, KeyFilter.Only("membership", "join_authorised_via_users_server"));

    /// <summary>The rules of room versions 11 and 12.</summary>
    /// <remarks>Spec: https://spec.matrix.org/v1.19/rooms/v11/#redactions</remarks>
    internal static RedactionRules V11 { get; } = new(
        TopLevelOfV11,
        new Dictionary<string, KeyFilter>(V9._content)
        {
            // "Additionally, it allows the signed key of the third_party_invite key."
            [EventTypes.Member] = KeyFilter.Only("membership", "join_authorised_via_users_server")
                .With("third_party_invite", KeyFilter.Only("signed")),
            [EventTypes.Create] = KeyFilter.Everything,
            [EventTypes.PowerLevels] = KeyFilter.Only(
                "ban", "events", "events_default", "invite", "kick", "redact", "state_default", "users", "users_default"),
            [EventTypes.Redaction] = KeyFilter.Only("redacts"),
        });

    /// <summary>The rules of MSC4242, which says nothing of them: <c>prev_state_events</c> stand where <c>auth_events</c> stood.</summary>
    /// <remarks>MSC4242: https://github.com/matrix-org/matrix-spec-proposals/pull/4242</remarks>
    internal static RedactionRules Msc4242 { get; } = new(
        [.. TopLevelOfV11.Where(static key => key != "auth_events"), "prev_state_events"], V11._content);

    private RedactionRules With(string type, KeyFilter content) =>
        new([.. _topLevel], new Dictionary<string, KeyFilter>(_content) { [type] = content });

    /// <summary>Whether redaction keeps this key of the event itself.</summary>
    internal bool KeepsTopLevel(string key) => _topLevel.Contains(key);

    /// <summary>What is left of the content of an event of this type.</summary>
    internal KeyFilter ContentOf(string type) => _content.GetValueOrDefault(type, KeyFilter.Nothing);

    /// <summary>What is left of an event of this type.</summary>
    internal KeyFilter WholeOf(string type) => _whole.GetValueOrDefault(type, _wholeWithoutContent);

    /// <summary>What is left of it without its signatures: what is signed, and what the reference hash covers.</summary>
    internal KeyFilter SignedPartOf(string type) => _signed.GetValueOrDefault(type, _signedWithoutContent);
}
