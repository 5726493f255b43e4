using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.ClientApi.Admin;

/// <summary>What Synapse's administration interface has, as far as tools use it; for the access tokens of administrators.</summary>
/// <remarks>https://element-hq.github.io/synapse/latest/usage/administration/admin_api/</remarks>
internal static class AdminRoutes
{
    private const string V1 = "/_synapse/admin/v1";
    private const string V2 = "/_synapse/admin/v2";
    private const string Room = V1 + "/rooms/{roomId}";
    private const string User = V2 + "/users/{userId}";

    public static void MapAdmin(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(V1 + "/server_version", ServerVersion.Get).WithoutToken();

        var admin = routes.MapGroup("").ForAdmins();

        // Users
        admin.MapGet(V2 + "/users", UserList.Get);
        admin.MapGet("/_synapse/admin/v3/users", UserList.Get);
        admin.MapGet(User, UserAdmin.Get);
        admin.MapPut(User, UserEditing.Set);
        admin.MapPost(V1 + "/deactivate/{userId}", UserAdmin.Deactivate);
        admin.MapPost(V1 + "/reset_password/{userId}", UserAdmin.ResetPassword);
        admin.MapGet(V1 + "/whois/{userId}", Whois.Get);
        admin.MapGet(V1 + "/users/{userId}/admin", UserAdmin.GetAdmin);
        admin.MapPut(V1 + "/users/{userId}/admin", UserAdmin.SetAdmin);
        admin.MapGet(V1 + "/users/{userId}/joined_rooms", UserAdmin.JoinedRooms);
        admin.MapPost(V1 + "/users/{userId}/login", UserAdmin.LogIn);
        admin.MapPut(V1 + "/suspend/{userId}", UserAdmin.Suspend);

        // Devices
        admin.MapGet(User + "/devices", UserDevicesAdmin.List);
        admin.MapGet(User + "/devices/{deviceId}", UserDevicesAdmin.Get);
        admin.MapPut(User + "/devices/{deviceId}", UserDevicesAdmin.Rename);
        admin.MapDelete(User + "/devices/{deviceId}", UserDevicesAdmin.Delete);
        admin.MapPost(User + "/delete_devices", UserDevicesAdmin.DeleteMany);

        // Rooms
        admin.MapGet(V1 + "/rooms", RoomAdmin.List);
        admin.MapGet(Room, RoomAdmin.Get);
        admin.MapDelete(Room, RoomShutDown.DeleteNow);
        admin.MapGet(Room + "/members", RoomAdmin.Members);
        admin.MapGet(Room + "/state", RoomAdmin.State);
        admin.MapGet(Room + "/block", RoomAdmin.GetBlock);
        admin.MapPut(Room + "/block", RoomAdmin.SetBlock);
        admin.MapDelete(V2 + "/rooms/{roomId}", RoomShutDown.Delete);
        admin.MapGet(V2 + "/rooms/{roomId}/delete_status", RoomShutDown.StatusOfRoom);
        admin.MapGet(V2 + "/rooms/delete_status/{deleteId}", RoomShutDown.Status);
        admin.MapPost(V1 + "/purge_history/{roomId}/{eventId?}", HistoryAdmin.Purge);
        admin.MapGet(V1 + "/purge_history_status/{purgeId}", HistoryAdmin.Status);

        // Registration tokens, reports, media
        admin.MapGet(V1 + "/registration_tokens", RegistrationTokensAdmin.List);
        admin.MapPost(V1 + "/registration_tokens/new", RegistrationTokensAdmin.Add);
        admin.MapGet(V1 + "/registration_tokens/{token}", RegistrationTokensAdmin.Get);
        admin.MapPut(V1 + "/registration_tokens/{token}", RegistrationTokensAdmin.Set);
        admin.MapDelete(V1 + "/registration_tokens/{token}", RegistrationTokensAdmin.Delete);
        admin.MapGet(V1 + "/event_reports", ReportsAdmin.List);
        admin.MapGet(V1 + "/event_reports/{reportId}", ReportsAdmin.Get);
        admin.MapDelete(V1 + "/event_reports/{reportId}", ReportsAdmin.Delete);
        admin.MapPost(V1 + "/media/quarantine/{serverName}/{mediaId}", MediaAdmin.Quarantine);
        admin.MapPost(V1 + "/media/unquarantine/{serverName}/{mediaId}", MediaAdmin.Unquarantine);
        admin.MapDelete(V1 + "/media/{serverName}/{mediaId}", MediaAdmin.Delete);
    }
}
