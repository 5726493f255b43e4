// A client as on a phone: many rooms, little of each at first, members and history only when a room is looked at.
// Usage: node mobile.mjs COMMAND [ARGUMENT]...   (the command that runs edgematrix)
import assert from "node:assert/strict";
import { Filter, NotificationCountType } from "matrix-js-sdk";
import { Homeserver } from "./homeserver.mjs";
import { Person } from "./person.mjs";
import { Story, until } from "./story.mjs";

const ROOMS = 60, CROWD = 20, TIMELINE = 5;

const server = new Homeserver(process.argv.slice(2));
const story = new Story("mobile");
/** `desk` is the account's computer, which holds everything; `phone` the client that is tried. */
let desk, phone, crowd, hall, quiet;
const rooms = [];

const name = (number) => `Room ${String(number).padStart(2, "0")}`;
const knownMembers = (room) => room.currentState.getMembers().map((member) => member.userId).sort();
const bodies = (room) => room.getLiveTimeline().getEvents().filter((event) => event.getType() === "m.room.message").map((event) => event.getContent().body);
const phoneRoom = (roomId) => phone.client.getRoom(roomId);

/** Starts syncing as phones do: a filter kept on the server, short timelines, lazily loaded members, no presence. */
async function startPhone() {
    const filter = new Filter(phone.userId);
    filter.setDefinition({
        presence: { types: [] },
        room: { timeline: { limit: TIMELINE, lazy_load_members: true, unread_thread_notifications: true }, state: { lazy_load_members: true } },
    });
    await phone.startSyncing({ lazyLoadMembers: true, filter, initialSyncLimit: TIMELINE });
}

story.step("an account has many rooms, one of them with a crowd in it", async () => {
    await server.start();
    desk = await Person.register(server, "dora");
    crowd = [];
    for (let i = 0; i < CROWD; i++) {
        crowd.push(await Person.register(server, `member${String(i).padStart(2, "0")}`));
    }
    for (let i = 0; i < ROOMS; i++) {
        rooms.push((await crowd[0].client.createRoom({ preset: "public_chat", name: name(i) })).room_id);
        await desk.client.joinRoom(rooms[i]);
        await crowd[0].sendsOnce(rooms[i], `Hello in ${name(i)}`);
    }
    ({ room_id: hall } = await crowd[0].client.createRoom({ preset: "public_chat", name: "Hall" }));
    for (const person of [...crowd.slice(1), desk]) {
        await person.client.joinRoom(hall);
    }
    for (let i = 0; i < 40; i++) {
        await crowd[i % 4].sendsOnce(hall, `Speech ${i}`);
    }
    await crowd[5].client.leave(hall);
    await crowd[0].client.invite(hall, crowd[5].userId);
    await crowd[0].client.ban(hall, crowd[6].userId);
    await crowd[7].client.leave(hall);
    ({ room_id: quiet } = await crowd[1].client.createRoom({ preset: "private_chat", name: "Later", invite: [desk.userId] }));
}, 120);

story.step("the first sync tells every room, and little of each", async () => {
    phone = await desk.onNewDevice(server);
    await startPhone();
    const listed = phone.client.getRooms().filter((room) => room.getMyMembership() === "join").map((room) => room.name).sort();
    assert.deepEqual(listed, ["Hall", ...rooms.map((_, i) => name(i))]);
    for (const [i, roomId] of rooms.entries()) {
        assert.equal(bodies(phoneRoom(roomId)).at(-1), `Hello in ${name(i)}`);
        assert.ok(phoneRoom(roomId).getLiveTimeline().getEvents().length <= TIMELINE);
        assert.equal(phoneRoom(roomId).getJoinedMemberCount(), 2);
    }
    assert.equal((await phone.room(quiet, "invite")).name, "Later");
});

story.step("of the members only those are there who are needed", () => {
    // Who spoke last, left, invited and is invited; the SDK keeps nobody of whom it has seen nothing but a ban.
    const needed = [crowd[0], crowd[3], crowd[5], crowd[7], desk].map((person) => person.userId);
    assert.deepEqual(knownMembers(phoneRoom(hall)), needed.sort());
    assert.equal(phoneRoom(hall).getJoinedMemberCount(), CROWD + 1 - 3);
    assert.equal(phoneRoom(hall).getInvitedMemberCount(), 1);
});

story.step("a room that is looked at has exactly its members", async () => {
    const room = phoneRoom(hall);
    assert.ok(await room.loadMembersIfNeeded());
    const ids = (membership) => room.getMembersWithMembership(membership).map((member) => member.userId).sort();
    const gone = [crowd[5], crowd[6], crowd[7]];
    assert.deepEqual(ids("join"), [desk, ...crowd].filter((person) => !gone.includes(person)).map((person) => person.userId).sort());
    assert.deepEqual(ids("invite"), [crowd[5].userId]);
    assert.deepEqual(ids("ban"), [crowd[6].userId]);
    for (const other of rooms.slice(0, 5)) {
        assert.deepEqual(knownMembers(phoneRoom(other)), [desk.userId, crowd[0].userId].sort());
    }
});

story.step("history comes page by page, with the members who speak in it", async () => {
    const room = phoneRoom(hall);
    for (let pages = 0; room.oldState.paginationToken; pages++) {
        assert.ok(pages < 30, "the beginning is never reached");
        await phone.client.scrollback(room, 10);
    }
    assert.deepEqual(bodies(room), Array.from({ length: 40 }, (_, i) => `Speech ${i}`));
    assert.equal(room.getLiveTimeline().getEvents()[0].getType(), "m.room.create");
    for (const event of room.getLiveTimeline().getEvents()) {
        assert.ok(event.sender, `who sent ${event.getType()} is known`);
    }
});

const gapBodies = Array.from({ length: 30 }, (_, i) => `While the phone slept ${i}`);

story.step("after a sleep there is a gap, which is filled from the other side", async () => {
    phone.stopSyncing();
    await crowd[8].client.joinRoom(rooms[0]);
    for (const body of gapBodies) {
        await crowd[8].sendsOnce(rooms[0], body);
    }
    await crowd[9].client.joinRoom(rooms[1]);
    await crowd[9].sendsOnce(rooms[1], "I am new here");
    await crowd[0].client.setRoomName(rooms[2], "Renamed");
    await startPhone();
    const room = phoneRoom(rooms[0]);
    await until("the newest messages to be there", () => bodies(room).at(-1) === gapBodies.at(-1));
    assert.deepEqual(bodies(room), gapBodies.slice(-TIMELINE), "a limited timeline starts anew");
    const whole = await phone.wholeTimeline(rooms[0]);
    assert.deepEqual(whole.map((event) => event.getContent().body).filter(Boolean), [`Hello in ${name(0)}`, ...gapBodies]);
    assert.equal(new Set(whole.map((event) => event.getId())).size, whole.length);
    assert.equal(room.getMember(crowd[8].userId).membership, "join");
    assert.deepEqual(knownMembers(phoneRoom(rooms[1])), [desk, crowd[0], crowd[9]].map((person) => person.userId).sort());
    assert.equal(phoneRoom(rooms[2]).name, "Renamed");
});

story.step("unread counts are those of the account, and go when a room is read", async () => {
    const count = (roomId, type) => phoneRoom(roomId).getUnreadNotificationCount(type);
    await until("31 unread messages", () => count(rooms[0], NotificationCountType.Total) === 31);
    await crowd[8].client.sendMessage(rooms[0], { msgtype: "m.text", body: "Dora?", "m.mentions": { user_ids: [desk.userId] } });
    await until("a mention", () => count(rooms[0], NotificationCountType.Highlight) === 1);
    await phone.client.sendReadReceipt(phoneRoom(rooms[0]).getLiveTimeline().getEvents().at(-1));
    await until("none unread", () => count(rooms[0], NotificationCountType.Total) === 0 && count(rooms[0], NotificationCountType.Highlight) === 0);
    assert.equal(count(rooms[1], NotificationCountType.Total), 2);
});

story.step("the invitation is accepted, a room left, and only what is joined is listed", async () => {
    await phone.client.joinRoom(quiet);
    await phone.client.leave(rooms[3]);
    await phone.room(quiet);
    await phone.room(rooms[3], "leave");
    assert.equal(phone.client.getRooms().filter((room) => room.getMyMembership() === "join").length, ROOMS + 1);
    await crowd[0].sendsOnce(rooms[3], "Is anybody here?");
    await crowd[0].sendsOnce(rooms[4], "Somebody is");
    await until("what is said in a joined room", () => bodies(phoneRoom(rooms[4])).includes("Somebody is"));
    assert.ok(!bodies(phoneRoom(rooms[3])).includes("Is anybody here?"));
});

story.step("a filter for one room and one type leaves all else out", async () => {
    const { filterId } = await phone.client.createFilter({
        event_fields: ["type", "content.body", "sender", "event_id", "origin_server_ts"], account_data: { types: [] }, presence: { types: [] },
        room: { rooms: [hall], timeline: { limit: 3, types: ["m.room.message"], senders: [crowd[2].userId] }, state: { types: [] }, ephemeral: { types: [] } },
    });
    const answer = await phone.request("GET", "/sync", { filter: filterId });
    assert.deepEqual(Object.keys(answer.rooms.join), [hall]);
    const events = answer.rooms.join[hall].timeline.events.map(({ event_id, origin_server_ts, ...asked }) => asked);
    assert.deepEqual(events, [30, 34, 38].map((i) => ({ type: "m.room.message", content: { body: `Speech ${i}` }, sender: crowd[2].userId })));
    assert.ok(!answer.rooms.join[hall].state?.events?.length);
});

story.step("kill -9, and the phone goes on from its token", async () => {
    await server.kill();
    await server.start();
    phone.client.retryImmediately();
    const eventId = await crowd[0].sendsOnce(rooms[5], "Back again");
    await phone.sees(rooms[5], eventId);
    assert.equal(await server.stop(), 0);
}, 120);

const failures = await story.tell();
phone?.stopSyncing();
await server.dispose(failures > 0);
process.exit(failures > 0 ? 1 : 0);
