// One person with matrix-js-sdk and one with matrix-nio in the same room.
// Usage: node together.mjs COMMAND [ARGUMENT]...   (the command that runs edgematrix)
import assert from "node:assert/strict";
import { assertInTurn, assertSameOrder, assertWhole } from "./agreement.mjs";
import { wholeHistory } from "./follower.mjs";
import { Homeserver } from "./homeserver.mjs";
import { NioPeer } from "./nio-peer.mjs";
import { Person } from "./person.mjs";
import { Storm } from "./storm.mjs";
import { Story, until } from "./story.mjs";

const server = new Homeserver(process.argv.slice(2));
const story = new Story("js-sdk with nio");
const frankId = "@frank:test.local";
let erin, frank, roomId;

const erinsRoom = () => erin.client.getRoom(roomId);

story.step("the server starts", () => server.start());

story.step("both register and sync", async () => {
    erin = await Person.register(server, "erin");
    frank = new NioPeer(server, "frank");
    assert.equal(await frank.asks("register"), frankId);
    await erin.startSyncing();
});

story.step("nio creates a room and invites, js-sdk joins", async () => {
    roomId = await frank.asks("create_room", { name: "Market", invite: [erin.userId] });
    await erin.room(roomId, "invite");
    await erin.client.joinRoom(roomId);
    assert.equal((await erin.room(roomId)).name, "Market");
    await frank.asks("sees_membership", { room_id: roomId, user_id: erin.userId, membership: "join" });
});

story.step("js-sdk creates a room and invites, nio joins", async () => {
    const { room_id: other } = await erin.client.createRoom({ preset: "private_chat", name: "Bakery", invite: [frankId] });
    const invitation = await frank.asks("sees_invitation", { room_id: other });
    assert.ok(invitation.some((event) => event.type === "m.room.name" && event.content.name === "Bakery"));
    await frank.asks("join", { room_id: other });
    await erin.seesMembership(other, frankId, "join");
});

story.step("they talk both ways", async () => {
    const question = await erin.says(roomId, "Apples? 🍎");
    assert.equal((await frank.sees(roomId, question)).content.body, "Apples? 🍎");
    const answer = await frank.says(roomId, "Pears. 🍐", { "m.relates_to": { "m.in_reply_to": { event_id: question } } });
    const seen = await erin.sees(roomId, answer);
    assert.equal(seen.getContent().body, "Pears. 🍐");
    assert.equal(seen.replyEventId, question);
});

story.step("edits go both ways", async () => {
    const edit = (eventId, body) => ({
        "m.new_content": { msgtype: "m.text", body }, "m.relates_to": { rel_type: "m.replace", event_id: eventId },
    });
    const franks = await frank.says(roomId, "Two poudns");
    await erin.sees(roomId, franks);
    await frank.says(roomId, "* Two pounds", edit(franks, "Two pounds"));
    await until("erin to read the edited text", () => erinsRoom().findEventById(franks).getContent().body === "Two pounds");
    const erins = await erin.says(roomId, "Thre pounds");
    const edited = await erin.says(roomId, "* Three pounds", edit(erins, "Three pounds"));
    assert.equal((await frank.sees(roomId, edited)).content["m.new_content"].body, "Three pounds");
});

story.step("reactions go both ways", async () => {
    const message = await erin.says(roomId, "Plums");
    await frank.sees(roomId, message);
    const reaction = (key) => ({ "m.relates_to": { rel_type: "m.annotation", event_id: message, key } });
    await frank.asks("sends", { room_id: roomId, type: "m.reaction", content: reaction("👍") });
    const { event_id: erins } = await erin.client.sendEvent(roomId, "m.reaction", reaction("🎉"));
    await until("erin to see both", () => erinsRoom().relations
        .getChildEventsForEvent(message, "m.annotation", "m.reaction")?.getSortedAnnotationsByKey()?.length === 2);
    assert.equal((await frank.sees(roomId, erins)).content["m.relates_to"].key, "🎉");
});

story.step("redactions go both ways", async () => {
    const franks = await frank.says(roomId, "A secret");
    await erin.sees(roomId, franks);
    await frank.asks("redacts", { room_id: roomId, event_id: franks });
    await until("erin to see the redaction", () => erinsRoom().findEventById(franks).isRedacted());
    const erins = await erin.says(roomId, "Another");
    const { event_id: redaction } = await erin.client.redactEvent(roomId, erins);
    const seen = await frank.sees(roomId, redaction);
    assert.equal(seen.redacts ?? seen.content.redacts, erins);
});

story.step("typing, receipts and names go both ways", async () => {
    await frank.asks("types", { room_id: roomId });
    await until("erin to see frank typing", () => erinsRoom().getMember(frankId).typing);
    await erin.client.sendTyping(roomId, true, 20000);
    await frank.asks("sees_typing", { room_id: roomId, user_id: erin.userId });

    const franks = await frank.says(roomId, "Read this");
    await erin.client.sendReadReceipt(await erin.sees(roomId, franks));
    await frank.asks("sees_receipt", { room_id: roomId, user_id: erin.userId, event_id: franks });
    const erins = await erin.says(roomId, "And this");
    await frank.sees(roomId, erins);
    await frank.asks("marks_read", { room_id: roomId, event_id: erins });
    await until("erin to see frank's receipt", () => erinsRoom().hasUserReadEvent(frankId, erins));

    await erin.client.setDisplayName("Erin at the Market");
    await frank.asks("sees_name", { room_id: roomId, user_id: erin.userId, name: "Erin at the Market" });
});

let storm, acknowledged, inTurn;

story.step("kill -9 while both send: each message is acknowledged in the end", async () => {
    let restarted;
    const count = { erins: 0, franks: 0 };
    const killInTheMiddle = () => {
        if (!restarted && count.erins >= 10 && count.franks >= 10) {
            const killed = server.kill();
            restarted = killed.then(() => server.start()).then(() => erin.client.retryImmediately());
        }
    };
    storm = new Storm(roomId, (acknowledgedSoFar) => {
        count.erins = acknowledgedSoFar;
        killInTheMiddle();
    });
    const franks = async () => {
        const bodies = Array.from({ length: 50 }, (_, i) => `frank in turn ${i}`);
        const eventIds = [];
        for (const body of bodies) {
            eventIds.push(await frank.says(roomId, body));
            count.franks++;
            killInTheMiddle();
        }
        return bodies.map((body, i) => [body, eventIds[i]]);
    };
    const [ofErin, ofFrank] = await Promise.all([storm.throughTheSdk(erin, 50), franks()]);
    assert.ok(restarted, "the server was killed");
    await restarted;
    acknowledged = new Map([...storm.acknowledged, ...ofFrank]);
    inTurn = [ofErin, ofFrank.map(([body]) => body)];
    assert.equal(new Set(acknowledged.values()).size, 100);
}, 180);

story.step("the conversation goes on after the crash", async () => {
    const question = await erin.says(roomId, "Still there?");
    await frank.sees(roomId, question);
    const answer = await frank.says(roomId, "Of course");
    await erin.sees(roomId, answer);
    acknowledged.set("Still there?", question).set("Of course", answer);
});

story.step("every reader holds every message once, all in one order", async () => {
    const history = await wholeHistory(erin, roomId, "b");
    const order = history.map((event) => event.event_id);
    assertWhole("/messages", history, acknowledged);
    inTurn.forEach((bodies) => assertInTurn(history, bodies));

    const erins = await erin.wholeTimeline(roomId);
    assertSameOrder("erin", erins.map((event) => event.getId()), "/messages", order);
    await frank.sees(roomId, order.at(-1));
    const told = await frank.asks("told", { room_id: roomId });
    assert.deepEqual(told.duplicates, []);
    assertSameOrder("frank", told.events, "/messages", order);
    const anew = await frank.asks("history", { room_id: roomId });
    assertSameOrder("frank's new device", anew.map((event) => event.event_id), "/messages", order);
});

story.step("the server stops in good order", async () => {
    assert.equal(await server.stop(), 0);
});

const failures = await story.tell();
erin?.stopSyncing();
frank?.close();
await server.dispose(failures > 0);
process.exit(failures > 0 ? 1 : 0);
