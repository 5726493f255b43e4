// A person with matrix-js-sdk in hand, as an application uses it, with everything in memory; without encryption unless it is asked for.
import * as sdk from "matrix-js-sdk";
import { until } from "./story.mjs";

// Parts of the SDK log to the console whatever logger the client was given; the report would drown in it.
for (const level of ["trace", "debug", "info", "warn", "error", "log"]) {
    console[level] = () => {};
}
const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => quiet };

export class Person {
    /** @type {sdk.MatrixClient} */
    client;
    password;

    constructor(client, password) {
        this.client = client;
        this.password = password;
    }

    /** Registers through user-interactive authentication, the way applications do, and does not sync yet. */
    static async register(server, name, options) {
        const password = `secret of ${name}`;
        const stranger = newClient(server);
        const registration = new sdk.InteractiveAuth({
            matrixClient: stranger,
            doRequest: (auth) => stranger.registerRequest({
                username: name, password, initial_device_display_name: `${name}'s laptop`, ...(auth ? { auth } : {}),
            }),
            stateUpdated: (stage) => {
                throw new Error(`registration asks for the stage ${stage}`);
            },
            requestEmailToken: () => Promise.reject(new Error("registration asks for an e-mail address")),
        });
        return new Person(newClient(server, await registration.attemptAuth(), options), password);
    }

    /** Logs the same account in on a new device. */
    async onNewDevice(server, options) {
        const session = await newClient(server).loginRequest({
            type: "m.login.password",
            identifier: { type: "m.id.user", user: this.userId },
            password: this.password,
        });
        return new Person(newClient(server, session, options), this.password);
    }

    get userId() {
        return this.client.getUserId();
    }

    /** Starts the sync loop and waits for the first answer. */
    async startSyncing(options = {}) {
        await this.client.startClient({ initialSyncLimit: 20, pollTimeout: 10000, pendingEventOrdering: "detached", ...options });
        await until(`the first sync of ${this.userId}`, () => this.client.isInitialSyncComplete());
    }

    stopSyncing() {
        this.client.stopClient();
    }

    /** This person's view of a room, when they have one with the given membership. */
    room(roomId, membership = "join") {
        return until(`${this.userId} to see ${roomId} as ${membership}`, () => {
            const room = this.client.getRoom(roomId);
            return room?.getMyMembership() === membership && room;
        });
    }

    /** The event, once it has come down this person's sync. */
    sees(roomId, eventId) {
        return until(`${this.userId} to see ${eventId}`, () => this.client.getRoom(roomId)?.findEventById(eventId));
    }

    /** Says something; returns the event ID. */
    async says(roomId, body, more = {}) {
        const { event_id: eventId } = await this.client.sendEvent(roomId, "m.room.message", { msgtype: "m.text", body, ...more });
        return eventId;
    }

    /** One request, without the SDK's local echo and queue: what the server refuses leaves nothing behind. Returns the event ID. */
    async sendsOnce(roomId, body, transactionId = this.client.makeTxnId()) {
        const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${transactionId}`;
        return (await this.request("PUT", path, undefined, { msgtype: "m.text", body })).event_id;
    }

    /** Waits until another member's membership is seen, and returns the member. */
    seesMembership(roomId, userId, membership) {
        return until(`${this.userId} to see ${userId} as ${membership}`, () => {
            const member = this.client.getRoom(roomId)?.getMember(userId);
            return member?.membership === membership && member;
        });
    }

    /** Every event of the room that this client can page back to, oldest first. */
    async wholeTimeline(roomId) {
        const timelineSet = this.client.getRoom(roomId).getUnfilteredTimelineSet();
        const window = new sdk.TimelineWindow(this.client, timelineSet, { windowLimit: Number.MAX_SAFE_INTEGER });
        await window.load();
        while (window.canPaginate(sdk.Direction.Backward)) {
            await window.paginate(sdk.Direction.Backward, 50);
        }
        return window.getEvents();
    }

    /** A request that the SDK has no method for, with this person's token. */
    request(method, path, query, body) {
        return this.client.http.authedRequest(method, path, query, body);
    }
}

function newClient(server, session, options) {
    return sdk.createClient({
        baseUrl: server.baseUrl,
        timelineSupport: true,
        logger: quiet,
        ...options,
        ...(session && { userId: session.user_id, deviceId: session.device_id, accessToken: session.access_token }),
    });
}
