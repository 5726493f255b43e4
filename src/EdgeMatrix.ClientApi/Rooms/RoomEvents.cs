using EdgeMatrix.Rooms.Engine;
using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Rooms;

/// <summary>Single events.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomideventeventid</remarks>
internal static class RoomEvents
{
    /// <summary><c>GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}</c></summary>
    public static IResult Get(string roomId, string eventId, Requester requester, RoomEngine engine)
    {
        var (view, _) = RoomView.Open(engine, requester, roomId);
        using (view)
        {
            // 404: The event was not found or you do not have permission to read this event.
            if (view?.FindVisible(eventId) is not { } stored)
            {
                return MatrixError.NotFound("The event is not in the room, or you may not see it");
            }

            view.Bundle([stored]);
            return JsonText.Write(json => view.WriteEvent(json, stored));
        }
    }
}
