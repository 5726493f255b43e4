// Two people with matrix-js-sdk and its own cryptography in an encrypted room, new devices, their verification, and a crash.
// Usage: node encryption.mjs COMMAND [ARGUMENT]...   (the command that runs edgematrix)
import assert from "node:assert/strict";
import { CryptoEvent, DecryptionFailureCode, VerificationPhase, VerifierEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import { Homeserver } from "./homeserver.mjs";
import { Person } from "./person.mjs";
import { Story, pause, until } from "./story.mjs";

const server = new Homeserver(process.argv.slice(2));
const story = new Story("js-sdk encrypted");
let alice, bob, laptop, phone, roomId, secretStorageKey;
const said = new Map();

/** How long two sides may take to show emoji: hardly a moment, but for a busy machine. */
const EMOJI_SECONDS = 30;

const cryptoCallbacks = {
    getSecretStorageKey: async ({ keys }) => [Object.keys(keys)[0], secretStorageKey.privateKey],
};

async function withCrypto(person) {
    await person.client.initRustCrypto({ useIndexedDB: false });
    await person.startSyncing();
    return person;
}

/** Says something and has another person read it; what the server holds is not the text. */
async function reads(sender, reader, text) {
    const eventId = await sender.says(roomId, text);
    said.set(text, eventId);
    await decrypted(reader, eventId, text);
    const held = await sender.request("GET", `/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(eventId)}`);
    assert.equal(held.type, "m.room.encrypted");
    assert.ok(!JSON.stringify(held).includes(text));
}

async function decrypted(reader, eventId, text) {
    const event = await reader.sees(roomId, eventId);
    await until(`${reader.userId} to read "${text}"`, () => event.getContent().body === text);
}

/** Reads everything that was said so far, with what the key backup holds. */
async function readsHistory(reader) {
    await until(`${reader.client.getDeviceId()} to have every key from the backup`, async () => {
        await reader.client.getCrypto().restoreKeyBackup();
        const timeline = (await reader.room(roomId)).getLiveTimeline().getEvents();
        return [...said].every(([text, eventId]) => timeline.some((event) => event.getId() === eventId && event.getContent().body === text));
    }, 60);
}

/** One asks to verify, the other accepts, both compare the emoji that they are shown, and say that they are alike. */
async function verifyByEmoji(asking, asked, request) {
    const { sides, outgoing, done } = await exchangeKeys(asking, asked, request);
    const shown = await Promise.race([Promise.all(sides), pause(EMOJI_SECONDS * 1000)]);
    if (!shown) {
        await outgoing.cancel();
        return false;
    }
    const [sas, otherSas] = shown;
    assert.equal(sas.sas.emoji.length, 7);
    assert.deepEqual(sas.sas.emoji, otherSas.sas.emoji);
    await Promise.all([sas.confirm(), otherSas.confirm(), done]);
    return true;
}

/** What each side will be shown, the request, and what ends with the verification. */
async function exchangeKeys(asking, asked, request) {
    const incoming = new Promise((resolve) => asked.client.once(CryptoEvent.VerificationRequestReceived, resolve));
    const outgoing = await request();
    const accepted = await incoming;
    await accepted.accept();
    await until("the other side to be ready", () => outgoing.phase === VerificationPhase.Ready);
    const verifier = await outgoing.startVerification("m.sas.v1");
    const otherVerifier = await until("the other side to start", () => accepted.verifier);
    const sides = [verifier, otherVerifier].map((side) => new Promise((resolve) => side.once(VerifierEvent.ShowSas, resolve)));
    const done = Promise.all([verifier.verify(), otherVerifier.verify()]);

    // Whoever gives up does not wait for it.
    done.catch(() => {});
    return { sides, outgoing, done };
}

story.step("the server starts", () => server.start());

story.step("two people register, publish keys and sync", async () => {
    alice = await withCrypto(await Person.register(server, "alice", { cryptoCallbacks }));
    bob = await withCrypto(await Person.register(server, "bob"));
    await until("bob's keys to be found", async () =>
        (await alice.client.getCrypto().getUserDeviceInfo([bob.userId], true)).get(bob.userId)?.size === 1);
});

story.step("they meet in an encrypted room", async () => {
    ({ room_id: roomId } = await alice.client.createRoom({
        preset: "private_chat", invite: [bob.userId],
        initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
    }));
    await bob.room(roomId, "invite");
    await bob.client.joinRoom(roomId);
    await bob.room(roomId);
    await alice.seesMembership(roomId, bob.userId, "join");
});

story.step("they talk both ways", async () => {
    await reads(alice, bob, "The key is under the mat");
    await reads(bob, alice, "Which mat?");
    await reads(alice, bob, "The green one");
});

story.step("cross-signing, secret storage and a key backup are set up without a password", async () => {
    const crypto = alice.client.getCrypto();
    secretStorageKey = await crypto.createRecoveryKeyFromPassphrase();
    await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: (makeRequest) => makeRequest(null) });
    await crypto.bootstrapSecretStorage({
        createSecretStorageKey: async () => secretStorageKey, setupNewSecretStorage: true, setupNewKeyBackup: true,
    });
    assert.ok(await crypto.isCrossSigningReady());
    await until("the backup to hold the keys of the room", async () => (await alice.request("GET", "/room_keys/version")).count >= 2);
});

story.step("kill -9, and they go on where they were", async () => {
    await server.kill();
    await server.start();
    alice.client.retryImmediately();
    bob.client.retryImmediately();
    await reads(bob, alice, "Are you still there?");
    await reads(alice, bob, "The lights went out");
}, 120);

story.step("a new device is verified by cross-signing", async () => {
    laptop = await withCrypto(await alice.onNewDevice(server, { cryptoCallbacks }));
    assert.ok(await laptop.client.getCrypto().userHasCrossSigningKeys(alice.userId, true));
    await laptop.client.getCrypto().bootstrapCrossSigning({});
    const deviceId = laptop.client.getDeviceId();
    await until("the first device to see the second as verified", async () =>
        (await alice.client.getCrypto().getDeviceVerificationStatus(alice.userId, deviceId))?.crossSigningVerified);
    await until("bob to see the signature", async () =>
        (await bob.client.getCrypto().getUserDeviceInfo([alice.userId], true)).get(alice.userId)?.get(deviceId)?.signatures
            .get(alice.userId)?.size === 2);
}, 120);

story.step("the new device reads the history from the backup", async () => {
    await laptop.client.getCrypto().loadSessionBackupPrivateKeyFromSecretStorage();
    await readsHistory(laptop);
}, 120);

story.step("all three talk", async () => {
    await reads(bob, laptop, "Welcome, laptop");
    await decrypted(alice, said.get("Welcome, laptop"), "Welcome, laptop");
    await reads(laptop, bob, "Thank you");
    await decrypted(alice, said.get("Thank you"), "Thank you");
});

story.step("a third device, verified by emoji, is given the secrets and reads the history", async () => {
    phone = await withCrypto(await alice.onNewDevice(server));
    const crypto = phone.client.getCrypto();
    assert.equal(await crypto.isCrossSigningReady(), false);
    assert.ok(await verifyByEmoji(phone, laptop, () => crypto.requestDeviceVerification(alice.userId, laptop.client.getDeviceId())), "no emoji were shown");
    await until("the third device to sign for itself", () => crypto.isCrossSigningReady());
    await until("the others to see it as verified", async () => (await alice.client.getCrypto()
        .getDeviceVerificationStatus(alice.userId, phone.client.getDeviceId()))?.crossSigningVerified);
    await until("the key of the backup to come", () => crypto.getSessionBackupPrivateKey());
    await readsHistory(phone);
    await reads(bob, phone, "And a phone");
    await reads(phone, bob, "So small");
}, 120);

story.step("two people verify each other by emoji, in a room", async () => {
    await bob.client.getCrypto().bootstrapCrossSigning({ authUploadDeviceSigningKeys: (makeRequest) => makeRequest(null) });
    await until("alice to find bob's identity", () => alice.client.getCrypto().userHasCrossSigningKeys(bob.userId, true));
    await until("bob to find alice's identity", () => bob.client.getCrypto().userHasCrossSigningKeys(alice.userId, true));
    const request = () => alice.client.getCrypto().requestVerificationDM(bob.userId, roomId);
    if (!await verifyByEmoji(alice, bob, request)) {
        const told = await Promise.all([alice, bob].map(async (person) => (await person.room(roomId)).getLiveTimeline().getEvents()
            .filter((event) => event.getType() === "m.key.verification.key").length));
        assert.fail(`no emoji were shown; alice was told of ${told[0]} keys of 2, bob of ${told[1]}`);
    }
    for (const [one, other] of [[alice, bob], [bob, alice], [laptop, bob]]) {
        await until(`${one.client.getDeviceId()} to hold ${other.userId} for verified`, async () =>
            (await one.client.getCrypto().getUserVerificationStatus(other.userId)).isCrossSigningVerified());
    }
}, 120);

story.step("who has not verified a device withholds the key from it, and says so", async () => {
    const stranger = await withCrypto(await bob.onNewDevice(server));
    await until("alice to know the device", async () =>
        (await alice.client.getCrypto().getUserDeviceInfo([bob.userId], true)).get(bob.userId)?.has(stranger.client.getDeviceId()));
    alice.client.getCrypto().globalBlacklistUnverifiedDevices = true;
    const eventId = await alice.says(roomId, "For verified devices");
    await decrypted(bob, eventId, "For verified devices");
    const event = await stranger.sees(roomId, eventId);
    await until("the stranger to be told why", () =>
        event.decryptionFailureReason === DecryptionFailureCode.MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE);
    alice.client.getCrypto().globalBlacklistUnverifiedDevices = false;
    await stranger.client.logout(true);
});

story.step("a device that is gone is no longer written to", async () => {
    const deviceId = laptop.client.getDeviceId();
    await laptop.client.logout(true);
    await until("bob to know", async () =>
        !(await bob.client.getCrypto().getUserDeviceInfo([alice.userId])).get(alice.userId)?.has(deviceId));
    await reads(bob, alice, "Only we two now");
});

story.step("the server stops in good order", async () => {
    assert.equal(await server.stop(), 0);
});

const failures = await story.tell();
for (const person of [alice, bob, laptop, phone]) {
    person?.stopSyncing();
}
await server.dispose(failures > 0);
process.exit(failures > 0 ? 1 : 0);
