// Two people with matrix-js-sdk, from their registration to the day after the crash.
// Usage: node js-sdk.mjs COMMAND [ARGUMENT]...   (the command that runs edgematrix)
import assert from "node:assert/strict";
import { EventStatus, RoomEvent } from "matrix-js-sdk";
import { assertInTurn, assertSameOrder, assertWhole } from "./agreement.mjs";
import { Follower, pages, wholeHistory } from "./follower.mjs";
import { Homeserver } from "./homeserver.mjs";
import { Person } from "./person.mjs";
import { Storm } from "./storm.mjs";
import { Story, pause, until } from "./story.mjs";

const server = new Homeserver(process.argv.slice(2));
const story = new Story("js-sdk");
let alice, bob, roomId;

const ids = (events) => events.map((event) => event.getId());
const currentState = (person, type) => person.client.getRoom(roomId).currentState.getStateEvents(type, "")?.getContent();

story.step("the server starts", () => server.start());

story.step("two people register", async () => {
    alice = await Person.register(server, "alice");
    bob = await Person.register(server, "bob");
    assert.equal(alice.userId, "@alice:test.local");
    assert.equal((await alice.client.whoami()).device_id, alice.client.getDeviceId());
    await assert.rejects(() => Person.register(server, "alice"), { errcode: "M_USER_IN_USE" });
});

story.step("both sync", async () => {
    await Promise.all([alice.startSyncing(), bob.startSyncing()]);
});

story.step("one creates a room, invites, the other joins", async () => {
    ({ room_id: roomId } = await alice.client.createRoom({ preset: "private_chat", name: "Kitchen" }));
    await alice.room(roomId);
    await alice.client.invite(roomId, bob.userId);
    const invitation = await bob.room(roomId, "invite");
    assert.equal(invitation.getDMInviter() ?? invitation.getMember(bob.userId).events.member.getSender(), alice.userId);
    await alice.seesMembership(roomId, bob.userId, "invite");
    await bob.client.joinRoom(roomId);
    await alice.seesMembership(roomId, bob.userId, "join");
    assert.equal((await bob.room(roomId)).name, "Kitchen");
});

story.step("an uninvited person stays outside", async () => {
    const mallory = await Person.register(server, "mallory");
    await assert.rejects(() => mallory.client.joinRoom(roomId), { httpStatus: 403, errcode: "M_FORBIDDEN" });
    await assert.rejects(() => mallory.sendsOnce(roomId, "let me in"), { httpStatus: 403, errcode: "M_FORBIDDEN" });
});

story.step("they talk both ways", async () => {
    for (let i = 0; i < 3; i++) {
        const question = await alice.says(roomId, `How are you? ${i}`);
        assert.equal((await bob.sees(roomId, question)).getContent().body, `How are you? ${i}`);
        const answer = await bob.says(roomId, `Fine ☕ 𝄞 "${i}" \\ \u2028`);
        assert.equal((await alice.sees(roomId, answer)).getContent().body, `Fine ☕ 𝄞 "${i}" \\ \u2028`);
        assert.equal((await alice.sees(roomId, answer)).getSender(), bob.userId);
    }
});

story.step("a message sent again with its transaction ID is one message", async () => {
    const transactionId = alice.client.makeTxnId();
    const first = await alice.sendsOnce(roomId, "Only once", transactionId);
    assert.equal(await alice.sendsOnce(roomId, "Only once", transactionId), first);
    assert.notEqual(await alice.sendsOnce(roomId, "Only once"), first);
    await bob.sees(roomId, first);
});

story.step("an edit replaces the text", async () => {
    const original = await alice.says(roomId, "Tea at fuor");
    await bob.sees(roomId, original);
    await alice.says(roomId, "* Tea at four", {
        "m.new_content": { msgtype: "m.text", body: "Tea at four" },
        "m.relates_to": { rel_type: "m.replace", event_id: original },
    });
    await until("bob to read the edited text", () =>
        bob.client.getRoom(roomId).findEventById(original).getContent().body === "Tea at four");
});

story.step("a reaction is counted", async () => {
    const message = await alice.says(roomId, "Cake?");
    await bob.sees(roomId, message);
    await bob.client.sendEvent(roomId, "m.reaction", {
        "m.relates_to": { rel_type: "m.annotation", event_id: message, key: "🍰" },
    });
    await until("alice to see the reaction", () => alice.client.getRoom(roomId).relations
        .getChildEventsForEvent(message, "m.annotation", "m.reaction")
        ?.getSortedAnnotationsByKey()?.some(([key, events]) => key === "🍰" && events.size === 1));
});

story.step("a redaction takes the text away", async () => {
    const message = await bob.says(roomId, "My password is");
    await alice.sees(roomId, message);
    const { event_id: redaction } = await bob.client.redactEvent(roomId, message, undefined, { reason: "oops" });
    const seen = await until("alice to see the redaction", () => {
        const event = alice.client.getRoom(roomId).findEventById(message);
        return event.isRedacted() && event;
    });
    assert.deepEqual(seen.getContent(), {});
    const fetched = await alice.client.fetchRoomEvent(roomId, message);
    assert.deepEqual(fetched.content, {});
    assert.equal(fetched.unsigned.redacted_because.event_id, redaction);
    assert.equal(fetched.unsigned.redacted_because.content.reason, "oops");
});

story.step("a reply names what it answers", async () => {
    const question = await alice.says(roomId, "Who brings milk?");
    const reply = await bob.says(roomId, "I do", { "m.relates_to": { "m.in_reply_to": { event_id: question } } });
    assert.equal((await alice.sees(roomId, reply)).replyEventId, question);
});

story.step("typing is seen, and its end", async () => {
    const typing = () => alice.client.getRoom(roomId).getMember(bob.userId).typing;
    await bob.client.sendTyping(roomId, true, 20000);
    await until("alice to see bob typing", () => typing());
    await bob.client.sendTyping(roomId, false, 0);
    await until("alice to see bob stop", () => !typing());
});

story.step("a read receipt is seen", async () => {
    const message = await alice.says(roomId, "Read me");
    await bob.client.sendReadReceipt(await bob.sees(roomId, message));
    await until("alice to see that bob read it", () => alice.client.getRoom(roomId).hasUserReadEvent(bob.userId, message));
    await bob.client.setRoomReadMarkers(roomId, message);
    await until("bob to see his read marker", () =>
        bob.client.getRoom(roomId).getAccountData("m.fully_read")?.getContent().event_id === message);
});

story.step("a new display name is seen in the room", async () => {
    await bob.client.setDisplayName("Bob the Builder");
    await until("alice to see the name", () => alice.client.getRoom(roomId).getMember(bob.userId).name === "Bob the Builder");
    assert.equal((await alice.client.getProfileInfo(bob.userId)).displayname, "Bob the Builder");
});

story.step("room name and topic change", async () => {
    await alice.client.setRoomName(roomId, "Tea room");
    await alice.client.setRoomTopic(roomId, "Milk first?");
    await until("bob to see them", () => bob.client.getRoom(roomId).name === "Tea room"
        && currentState(bob, "m.room.topic")?.topic === "Milk first?");
    await assert.rejects(() => bob.client.setRoomName(roomId, "Bob's room"), { httpStatus: 403, errcode: "M_FORBIDDEN" });
});

story.step("tags and account data come back", async () => {
    await alice.client.setRoomTag(roomId, "m.favourite", { order: 0.25 });
    await until("alice to see her tag", () => alice.client.getRoom(roomId).tags["m.favourite"]?.order === 0.25);
    await alice.client.setRoomAccountData(roomId, "org.example.colour", { colour: "green" });
    assert.equal((await until("alice to see her room data", () =>
        alice.client.getRoom(roomId).getAccountData("org.example.colour"))).getContent().colour, "green");
    await alice.client.setAccountData("org.example.theme", { theme: "dark" });
    assert.equal((await alice.client.getAccountDataFromServer("org.example.theme")).theme, "dark");
});

story.step("an alias leads into a public room", async () => {
    const { room_id: publicRoom } = await alice.client.createRoom({
        preset: "public_chat", visibility: "public", room_alias_name: "garden", name: "Garden",
    });
    assert.equal((await bob.client.getRoomIdForAlias("#garden:test.local")).room_id, publicRoom);
    assert.ok((await bob.client.publicRooms()).chunk.some((room) => room.room_id === publicRoom && room.num_joined_members === 1));
    await bob.client.joinRoom("#garden:test.local");
    assert.equal((await bob.room(publicRoom)).name, "Garden");
    await bob.client.leave(publicRoom);
    await bob.client.forget(publicRoom);
});

story.step("history pages back past the sync limit", async () => {
    const bodies = Array.from({ length: 60 }, (_, i) => `Line ${i}`);
    for (const body of bodies) {
        await alice.says(roomId, body);
    }
    const reader = await bob.onNewDevice(server);
    await reader.startSyncing({ initialSyncLimit: 5 });
    const room = await reader.room(roomId);
    const held = () => room.getLiveTimeline().getEvents().map((event) => event.getContent().body).filter((body) => bodies.includes(body));
    assert.deepEqual(held(), bodies.slice(-5), "the first sync");
    await reader.client.scrollback(room, 10);
    assert.deepEqual(held(), bodies.slice(-15), "after scrolling back once");
    while (room.oldState.paginationToken) {
        await reader.client.scrollback(room, 30);
    }
    assert.deepEqual(held(), bodies, "after scrolling back to the end");
    const first = room.getLiveTimeline().getEvents()[0];
    assert.equal(first.getType(), "m.room.create");
    const around = await alice.client.getEventTimeline(alice.client.getRoom(roomId).getUnfilteredTimelineSet(), first.getId());
    assert.ok(around.getEvents().some((event) => event.getId() === first.getId()), "the context of the first event");
    await reader.client.logout(true);
    await assert.rejects(() => reader.client.whoami(), { httpStatus: 401, errcode: "M_UNKNOWN_TOKEN" });
});

story.step("members load lazily", async () => {
    const crowd = await Promise.all(["ann", "ben", "cas", "dee", "eve", "fay"].map((name) => Person.register(server, name)));
    const { room_id: hall } = await alice.client.createRoom({ preset: "public_chat", name: "Hall" });
    for (const person of crowd) {
        await person.client.joinRoom(hall);
    }
    for (let i = 0; i < 8; i++) {
        await crowd[0].says(hall, `Speech ${i}`);
    }
    const reader = await alice.onNewDevice(server);
    await reader.startSyncing({ lazyLoadMembers: true, initialSyncLimit: 5 });
    const room = await reader.room(hall);
    const known = room.currentState.getMembers().map((member) => member.userId);
    assert.ok(known.includes(crowd[0].userId), "the speaker is known");
    assert.ok(!known.includes(crowd[5].userId), "a silent member is not");
    assert.equal(room.getJoinedMemberCount(), 7);
    await room.loadMembersIfNeeded();
    assert.deepEqual(room.getJoinedMembers().map((member) => member.userId).sort(),
        [alice.userId, ...crowd.map((person) => person.userId)].sort());
    await crowd[5].says(hall, "At last I speak");
    await until("the silent member's message", () => room.getLiveTimeline().getEvents().at(-1).getContent().body === "At last I speak");
    await reader.client.logout(true);
});

story.step("one leaves and comes back", async () => {
    await bob.client.leave(roomId);
    await bob.room(roomId, "leave");
    await alice.seesMembership(roomId, bob.userId, "leave");
    await assert.rejects(() => bob.sendsOnce(roomId, "Am I still here?"), { httpStatus: 403, errcode: "M_FORBIDDEN" });
    const missed = await alice.says(roomId, "Bob is out");
    await assert.rejects(() => bob.client.joinRoom(roomId), { httpStatus: 403, errcode: "M_FORBIDDEN" });
    await alice.client.invite(roomId, bob.userId);
    await bob.room(roomId, "invite");
    await bob.client.joinRoom(roomId);
    await bob.room(roomId);
    assert.equal((await bob.client.fetchRoomEvent(roomId, missed)).content.body, "Bob is out");
    const back = await bob.says(roomId, "Back again");
    await alice.sees(roomId, back);
});

story.step("an invitation is declined", async () => {
    const { room_id: party } = await alice.client.createRoom({ preset: "private_chat", name: "Party", invite: [bob.userId] });
    await bob.room(party, "invite");
    await bob.client.leave(party);
    await alice.seesMembership(party, bob.userId, "leave");
});

story.step("kick, ban and unban", async () => {
    await assert.rejects(() => bob.client.kick(roomId, alice.userId), { httpStatus: 403, errcode: "M_FORBIDDEN" });
    await alice.client.kick(roomId, bob.userId, "Too loud");
    const kicked = await bob.room(roomId, "leave");
    assert.equal(kicked.getMember(bob.userId).events.member.getContent().reason, "Too loud");
    await alice.client.ban(roomId, bob.userId, "For good");
    await alice.seesMembership(roomId, bob.userId, "ban");
    await assert.rejects(() => alice.client.invite(roomId, bob.userId), { httpStatus: 403 });
    await assert.rejects(() => bob.client.joinRoom(roomId), { httpStatus: 403 });
    await alice.client.unban(roomId, bob.userId);
    await alice.seesMembership(roomId, bob.userId, "leave");
    await alice.client.invite(roomId, bob.userId);
    await bob.room(roomId, "invite");
    await bob.client.joinRoom(roomId);
    await bob.room(roomId);
    await alice.seesMembership(roomId, bob.userId, "join");
});

const followers = [];
let storm, inTurn;

story.step("kill -9 twice while 200 messages are sent: each is acknowledged in the end", async () => {
    for (const person of [alice, bob]) {
        const follower = new Follower(person, roomId);
        await follower.start();
        followers.push(follower);
    }
    const killAt = [50, 130];
    let restarts = Promise.resolve();
    storm = new Storm(roomId, (count) => {
        if (count >= killAt[0]) {
            killAt.shift();
            const killed = server.kill();
            restarts = restarts.then(async () => {
                await killed;
                await server.start();
                alice.client.retryImmediately();
                bob.client.retryImmediately();
            });
        }
    });
    inTurn = await Promise.all([
        storm.throughTheSdk(alice, 50), storm.throughTheSdk(bob, 50),
        storm.sideBySide(alice, 50, 3), storm.sideBySide(bob, 50, 3),
    ]).then(([ofAlice, ofBob]) => [ofAlice, ofBob]);
    await restarts;
    assert.deepEqual(killAt, [], "both kills happened");
    assert.equal(storm.acknowledged.size, 200);
    assert.equal(new Set(storm.acknowledged.values()).size, 200);
}, 240);

story.step("the conversation goes on after the crash", async () => {
    const question = await alice.says(roomId, "Are you still there?");
    await bob.sees(roomId, question);
    const answer = await bob.says(roomId, "I am");
    await alice.sees(roomId, answer);
    await bob.client.sendTyping(roomId, true, 20000);
    await until("alice to see bob typing", () => alice.client.getRoom(roomId).getMember(bob.userId).typing);
    assert.equal(currentState(alice, "m.room.name").name, "Tea room");
    storm.acknowledged.set("Are you still there?", question).set("I am", answer);
});

let history;

story.step("/messages holds every acknowledged message once, both ways alike", async () => {
    history = await wholeHistory(alice, roomId, "b");
    assertWhole("/messages backwards", history, storm.acknowledged);
    const forwards = await wholeHistory(bob, roomId, "f");
    assertSameOrder("/messages backwards", history.map((event) => event.event_id),
        "/messages forwards", forwards.map((event) => event.event_id));
    inTurn.forEach((bodies) => assertInTurn(history, bodies));
});

story.step("both followers of /sync were told every event once, in that order", async () => {
    const last = history.at(-1).event_id;
    for (const follower of followers) {
        await until("the follower to reach the end", () => follower.eventIds.at(-1) === last);
        await follower.stop();
        assert.deepEqual(follower.duplicates, []);
        assertSameOrder("/sync", follower.eventIds, "/messages", history.map((event) => event.event_id));
    }
});

story.step("both clients hold the whole timeline in that order", async () => {
    for (const person of [alice, bob]) {
        const timeline = await person.wholeTimeline(roomId);
        assertWhole(person.userId, timeline.map((event) => event.event), storm.acknowledged);
        assertSameOrder(person.userId, ids(timeline), "/messages", history.map((event) => event.event_id));
        // The SDK merges a local echo with what /sync brings, not with what fell into the gap of a limited timeline and was paged back:
        // such an echo stays in its list, as sent. The server has to have given that event the transaction ID to the echo all the same.
        for (const echo of person.client.getRoom(roomId).getPendingEvents()) {
            assert.equal(echo.status, EventStatus.SENT);
            const event = timeline.find((candidate) => candidate.getId() === echo.getId());
            assert.equal(event?.getUnsigned().transaction_id, echo.getTxnId());
        }
    }
});

story.step("so does a new device after a first sync", async () => {
    const newcomer = await alice.onNewDevice(server);
    const twice = [];
    const seen = new Set();
    newcomer.client.on(RoomEvent.Timeline, (event, room) => {
        if (room.roomId === roomId) {
            if (seen.has(event.getId())) {
                twice.push(event.getId());
            }
            seen.add(event.getId());
        }
    });
    await newcomer.startSyncing();
    await newcomer.room(roomId);
    assertSameOrder("the new device", ids(await newcomer.wholeTimeline(roomId)), "/messages", history.map((event) => event.event_id));
    assert.deepEqual(twice, []);
    await newcomer.client.logout(true);
});

story.step("the server stops in good order and starts again with the same room", async () => {
    assert.equal(await server.stop(), 0);
    await server.start();
    alice.client.retryImmediately();
    bob.client.retryImmediately();
    const message = await alice.says(roomId, "After the restart");
    await bob.sees(roomId, message);
    for await (const event of pages(bob, roomId, "b")) {
        assert.equal(event.event_id, message);
        break;
    }
});

const failures = await story.tell();
alice?.stopSyncing();
bob?.stopSyncing();
followers.forEach((follower) => follower.stop().catch(() => {}));
await pause(0);
await server.dispose(failures > 0);
process.exit(failures > 0 ? 1 : 0);
