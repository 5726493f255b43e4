using System.Text.Json;

namespace EdgeMatrix.Rooms.Creation;

/// <summary>What a <c>preset</c> of <c>/createRoom</c> stands for.</summary>
/// <param name="InviteLevel">The power level needed to invite.</param>
/// <param name="TrustsInvitees">Whether invitees get the creator's power.</param>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom</remarks>
internal sealed record Preset(string Name, (string Type, JsonElement Content)[] State, int InviteLevel, bool TrustsInvitees)
{
    public static Preset PrivateChat { get; } = new("private_chat", Settings("invite", "can_join"), 0, false);

    private static readonly Preset[] All =
    [
        PrivateChat,
        PrivateChat with { Name = "trusted_private_chat", TrustsInvitees = true },
        new("public_chat", Settings("public", "forbidden"), 50, false),
    ];

    public static Preset? Find(string name) => All.FirstOrDefault(p => p.Name == name);

    private static (string, JsonElement)[] Settings(string joinRule, string guestAccess) =>
    [
        ("m.room.join_rules", JsonContent.Of("join_rule", joinRule)),
        ("m.room.history_visibility", JsonContent.Of("history_visibility", "shared")),
        ("m.room.guest_access", JsonContent.Of("guest_access", guestAccess)),
    ];
}
