// Two people with matrix-nio and one with matrix-js-sdk, each with cryptography of their own, in one encrypted room.
// Usage: node encrypted-together.mjs COMMAND [ARGUMENT]...   (the command that runs edgematrix)
import assert from "node:assert/strict";
import { Homeserver } from "./homeserver.mjs";
import { NioPeer } from "./nio-peer.mjs";
import { Person } from "./person.mjs";
import { Storm } from "./storm.mjs";
import { Story, until } from "./story.mjs";

const server = new Homeserver(process.argv.slice(2));
const story = new Story("js-sdk with nio, encrypted");
const frankId = "@frank:test.local", graceId = "@grace:test.local";
let erin, frank, grace, phone, phoneId, roomId;
/** Everything that was said for all to read: event ID to text. */
const said = new Map();

/** Has each of the others read what one person says; the server holds it encrypted. */
async function allRead(sender, readers, text) {
    const eventId = await sender.says(roomId, text);
    said.set(eventId, text);
    await Promise.all(readers.map((reader) => (reader === erin ? erinReads(eventId, text) : nioReads(reader, eventId, text))));
    const held = await erin.request("GET", `/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(eventId)}`);
    assert.equal(held.type, "m.room.encrypted");
    return eventId;
}

async function erinReads(eventId, text) {
    const event = await erin.sees(roomId, eventId);
    await until(`erin to read "${text}"`, () => event.getContent().body === text);
}

async function nioReads(reader, eventId, text) {
    assert.equal((await reader.reads(roomId, eventId)).content.body, text);
}

const devicesErinKnows = async (userId) => (await erin.client.getCrypto().getUserDeviceInfo([userId], true)).get(userId);

story.step("the server starts", () => server.start());

story.step("three people register and publish keys", async () => {
    erin = await Person.register(server, "erin");
    await erin.client.initRustCrypto({ useIndexedDB: false });
    await erin.startSyncing();
    frank = new NioPeer(server, "frank", { encrypted: true });
    grace = new NioPeer(server, "grace", { encrypted: true });
    assert.equal(await frank.asks("register"), frankId);
    assert.equal(await grace.asks("register"), graceId);
    await until("erin to find the keys of both", async () =>
        (await devicesErinKnows(frankId))?.size === 1 && (await devicesErinKnows(graceId))?.size === 1);
});

story.step("they meet in an encrypted room", async () => {
    roomId = await frank.asks("create_room", {
        name: "Vault", invite: [erin.userId, graceId],
        initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
    });
    await erin.room(roomId, "invite");
    await erin.client.joinRoom(roomId);
    await grace.asks("sees_invitation", { room_id: roomId });
    await grace.asks("join", { room_id: roomId });
    await erin.room(roomId);
    await erin.seesMembership(roomId, graceId, "join");
    for (const peer of [frank, grace]) {
        await peer.asks("sees_membership", { room_id: roomId, user_id: erin.userId, membership: "join" });
        await peer.asks("sees_membership", { room_id: roomId, user_id: graceId, membership: "join" });
    }
});

let early;

story.step("each reads what the others say", async () => {
    await allRead(erin, [frank, grace], "Who has the key? 🔑");
    early = await allRead(frank, [erin, grace], "I have one");
    await allRead(grace, [erin, frank], "And I the other");
    await allRead(erin, [frank, grace], "Then we are complete");
});

story.step("a new device of nio's reads what is said from then on, and is read", async () => {
    phone = new NioPeer(server, "frank", { encrypted: true });
    await phone.asks("log_in", { password: "secret of frank" });
    phoneId = await phone.asks("device_id");
    for (const peer of [frank, grace]) {
        await peer.asks("knows_device", { user_id: frankId, device_id: phoneId });
    }
    await until("erin to find the new device", async () => (await devicesErinKnows(frankId)).has(phoneId));
    await allRead(erin, [frank, grace, phone], "A new face");
    await allRead(grace, [erin, frank, phone], "Welcome");
    await allRead(frank, [erin, grace, phone], "It is only me");
    await allRead(phone, [erin, frank, grace], "It is");
});

story.step("the two devices are verified by comparing emoji", async () => {
    const laptopId = await frank.asks("device_id");
    await phone.asks("knows_device", { user_id: frankId, device_id: laptopId });
    await phone.asks("starts_verifying", { user_id: frankId, device_id: laptopId });
    const [shown, alsoShown] = [await phone.asks("shown_emoji"), await frank.asks("shown_emoji")];
    assert.equal(shown.length, 7);
    assert.deepEqual(shown, alsoShown);
    await Promise.all([phone.asks("confirms_emoji"), frank.asks("confirms_emoji")]);
    await phone.asks("is_verified", { user_id: frankId, device_id: laptopId });
    await frank.asks("is_verified", { user_id: frankId, device_id: phoneId });
});

story.step("the new device is given the key to what was said before it", async () => {
    assert.equal((await phone.sees(roomId, early)).type, "m.room.encrypted");
    await phone.asks("asks_for_key", { event_id: early });
    await nioReads(phone, early, "I have one");
});

story.step("a key is withheld from who is not trusted, and given once they are", async () => {
    const crypto = erin.client.getCrypto();
    crypto.globalBlacklistUnverifiedDevices = true;
    await crypto.setDeviceVerified(frankId, await frank.asks("device_id"));
    const secret = await erin.says(roomId, "Not for Grace");
    await nioReads(frank, secret, "Not for Grace");
    assert.equal((await grace.sees(roomId, secret)).type, "m.room.encrypted");
    crypto.globalBlacklistUnverifiedDevices = false;
    await allRead(erin, [frank, grace, phone], "For all again");
});

story.step("kill -9 while all three speak: each message is acknowledged in the end", async () => {
    const counts = new Map([erin, frank, grace].map((person) => [person, 0]));
    let restarted;
    const count = (person, spoken) => {
        counts.set(person, spoken);
        if (!restarted && [...counts.values()].every((spokenByOne) => spokenByOne >= 5)) {
            const killed = server.kill();
            restarted = killed.then(() => server.start()).then(() => erin.client.retryImmediately());
        }
    };
    const storm = new Storm(roomId, (acknowledged) => count(erin, acknowledged));
    const speaks = async (peer, name) => {
        for (let i = 0; i < 20; i++) {
            said.set(await peer.says(roomId, `${name} in turn ${i}`), `${name} in turn ${i}`);
            count(peer, i + 1);
        }
    };
    await Promise.all([storm.throughTheSdk(erin, 20), speaks(frank, "frank"), speaks(grace, "grace")]);
    assert.ok(restarted, "the server was killed");
    await restarted;
    for (const [text, eventId] of storm.acknowledged) {
        said.set(eventId, text);
    }
}, 120);

story.step("everybody reads every message", async () => {
    for (const [eventId, text] of said) {
        await erinReads(eventId, text);
        await Promise.all([frank, grace].map((reader) => nioReads(reader, eventId, text)));
    }
    const sinceTheStorm = [...said].slice(-60);
    for (const [eventId, text] of sinceTheStorm) {
        await nioReads(phone, eventId, text);
    }
});

story.step("a device that is gone is no longer written to", async () => {
    await phone.asks("log_out");
    await until("erin to know", async () => !(await devicesErinKnows(frankId)).has(phoneId));
    await allRead(erin, [frank, grace], "We are three again");
    await allRead(frank, [erin, grace], "So we are");
});

story.step("the server stops in good order", async () => {
    assert.equal(await server.stop(), 0);
});

const failures = await story.tell();
erin?.stopSyncing();
for (const peer of [frank, grace, phone]) {
    peer?.close();
}
await server.dispose(failures > 0);
process.exit(failures > 0 ? 1 : 0);
