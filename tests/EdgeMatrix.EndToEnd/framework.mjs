// A bridge made with matrix-appservice-bridge, to a chat network that is pretended here, and one person with matrix-js-sdk.
// Usage: node framework.mjs COMMAND [ARGUMENT]...   (the command that runs edgematrix)
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppServiceRegistration, Bridge } from "./bridge-framework.mjs";
import { Homeserver, freePort } from "./homeserver.mjs";
import { Person } from "./person.mjs";
import { Story, until } from "./story.mjs";

const folder = await mkdtemp(join(tmpdir(), "edgematrix-framework-"));
const registrationFile = join(folder, "registration.yaml");
const server = new Homeserver(process.argv.slice(2), ["--set", `appservices=["${registrationFile}"]`]);
const story = new Story("bridge framework");
const botId = "@chatbot:test.local", tomId = "@_chat_tom:test.local";
/** What the network has heard, and before that what came from the server: the framework hands edits on later than what follows them. */
const heard = [], ephemeral = [], told = [];
let port, bridge, alice, channel;

const ghost = (nick) => bridge.getIntent(`@_chat_${nick}:test.local`);
const networkHears = (predicate) => until("the network to hear of it", () => heard.find(predicate));
const messages = () => told.filter(({ type }) => type === "m.room.message").map(({ content }) => content.body);

const controller = {
    onEvent: async (request) => {
        const event = request.getData();
        const invited = event.type === "m.room.member" && event.content.membership === "invite" && event.state_key;
        if (invited === botId || (invited && invited.startsWith("@_chat_"))) {
            await bridge.getIntent(invited).join(event.room_id);
        }
        heard.push(event);
    },
    onEphemeralEvent: (request) => ephemeral.push(request.getData()),
    onUserQuery: (user) => ({ name: `${user.localpart.replace("_chat_", "")} (chat)` }),
    onAliasQuery: (alias, localpart) => ({
        creationOpts: { preset: "public_chat", room_alias_name: localpart, name: localpart.replace("_chat_", "#") },
    }),
    onAliasQueried: (alias, roomId) => heard.push({ type: "queried", alias, room_id: roomId }),
    thirdPartyLookup: {
        protocols: ["chat"],
        getProtocol: () => ({
            user_fields: ["nick"], location_fields: ["channel"], icon: "mxc://test.local/icon",
            field_types: { nick: { regexp: "\\w+", placeholder: "tom" }, channel: { regexp: "#\\w+", placeholder: "#cats" } },
            instances: [{ desc: "The chat", network_id: "chat", fields: {} }],
        }),
        getUser: (protocol, { nick }) => [{ userid: `@_chat_${nick}:test.local`, protocol, fields: { nick } }],
        getLocation: (protocol, fields) => [{ alias: `#_chat_${fields.channel.slice(1)}:test.local`, protocol, fields: { channel: fields.channel } }],
        parseUser: (userid) => [{ userid, protocol: "chat", fields: { nick: userid.slice(7).split(":")[0] } }],
        parseLocation: (alias) => [{ alias, protocol: "chat", fields: { channel: `#${alias.slice(7).split(":")[0]}` } }],
    },
};

story.step("the bridge writes its registration, the server starts with it", async () => {
    port = await freePort();
    const registration = new AppServiceRegistration(`http://127.0.0.1:${port}`);
    registration.setId(AppServiceRegistration.generateToken());
    registration.setHomeserverToken(AppServiceRegistration.generateToken());
    registration.setAppServiceToken(AppServiceRegistration.generateToken());
    registration.setSenderLocalpart("chatbot");
    registration.setProtocols(["chat"]);
    registration.setRateLimited(false);
    registration.pushEphemeral = true;
    registration.addRegexPattern("users", "@_chat_.*:test\\.local", true);
    registration.addRegexPattern("aliases", "#_chat_.*:test\\.local", true);
    registration.outputAsYaml(registrationFile);
    await server.start();
    bridge = new Bridge({
        homeserverUrl: server.baseUrl, domain: "test.local", registration: registrationFile, controller, disableStores: true,
        suppressEcho: true, roomUpgradeOpts: { consumeEvent: true, migrateGhosts: true, migrateStoreEntries: false },
    });
    await bridge.run(port, undefined, "127.0.0.1");
    bridge.appService.on("event", (event) => told.push(event));
    await bridge.getIntent().ensureRegistered();
    await bridge.getIntent().ensureProfile("The chat bridge");
    alice = await Person.register(server, "alice");
    await alice.startSyncing();
});

story.step("the server reaches the bridge", async () => {
    const { room_id: pingRoom } = await bridge.getIntent().createRoom({ options: { preset: "private_chat" } });
    assert.ok((await bridge.pingAppserviceRoute(pingRoom, 10000)) >= 0);
    await bridge.getIntent().leave(pingRoom);
});

story.step("nobody else takes a name of the network's", async () => {
    await assert.rejects(() => Person.register(server, "_chat_mallory"), { errcode: "M_EXCLUSIVE" });
    await assert.rejects(() => alice.client.createRoom({ room_alias_name: "_chat_mine" }), { errcode: "M_EXCLUSIVE" });
});

story.step("a channel is made by whoever joins its alias first", async () => {
    ({ roomId: channel } = await alice.client.joinRoom("#_chat_cats:test.local"));
    assert.equal((await alice.room(channel)).name, "#cats");
    await networkHears(({ type, room_id: room }) => type === "queried" && room === channel);
    await networkHears(({ type, state_key: user, content }) => type === "m.room.member" && user === alice.userId && content.membership === "join");
});

story.step("who is on the network joins and speaks, under their name there", async () => {
    await ghost("tom").ensureProfile("tom (chat)");
    const { event_id: eventId } = await ghost("tom").sendText(channel, "Meow");
    const seen = await alice.sees(channel, eventId);
    assert.equal(seen.getContent().body, "Meow");
    assert.equal(seen.getSender(), tomId);
    assert.equal((await alice.seesMembership(channel, tomId, "join")).name, "tom (chat)");
});

story.step("what is said here is heard there: messages, edits, reactions, redactions, in order", async () => {
    const message = await alice.says(channel, "Here, kitty");
    await alice.says(channel, "* Here, cat", { "m.new_content": { msgtype: "m.text", body: "Here, cat" }, "m.relates_to": { rel_type: "m.replace", event_id: message } });
    await alice.client.sendEvent(channel, "m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: message, key: "🐈" } });
    const { event_id: redaction } = await alice.client.redactEvent(channel, message);
    await networkHears(({ event_id: eventId }) => eventId === redaction);
    const types = told.filter(({ sender, room_id: room }) => room === channel && sender === alice.userId).map(({ type }) => type);
    assert.deepEqual(types.slice(-4), ["m.room.message", "m.room.message", "m.reaction", "m.room.redaction"]);
});

story.step("typing and receipts go both ways", async () => {
    await alice.client.sendTyping(channel, true, 20000);
    await until("the network to see alice typing", () => ephemeral.some(({ type, room_id: room, content }) =>
        type === "m.typing" && room === channel && content.user_ids.includes(alice.userId)));
    await ghost("tom").sendTyping(channel, true);
    await until("alice to see tom typing", () => alice.client.getRoom(channel).getMember(tomId).typing);
    const { event_id: toms } = await ghost("tom").sendText(channel, "Purr");
    await alice.client.sendReadReceipt(await alice.sees(channel, toms));
    await until("the network to see that alice read it", () => ephemeral.some(({ type, content }) =>
        type === "m.receipt" && content[toms]?.["m.read"]?.[alice.userId]));
    const alices = await alice.says(channel, "Good cat");
    await networkHears(({ event_id: eventId }) => eventId === alices);
    await ghost("tom").sendReadReceipt(channel, alices);
    await until("alice to see that tom read it", () => alice.client.getRoom(channel).hasUserReadEvent(tomId, alices));
});

story.step("somebody on the network is spoken to who was never here before", async () => {
    const { room_id: direct } = await alice.client.createRoom({ preset: "trusted_private_chat", is_direct: true, invite: ["@_chat_felix:test.local"] });
    assert.equal((await alice.seesMembership(direct, "@_chat_felix:test.local", "join")).name, "felix (chat)");
    await alice.says(direct, "Hello Felix");
    await until("the network to hear it", () => messages().includes("Hello Felix"));
    const { event_id: eventId } = await ghost("felix").sendText(direct, "Hello Alice");
    await alice.sees(direct, eventId);
});

story.step("a picture from the network is seen here", async () => {
    const url = await ghost("tom").uploadContent(Buffer.from("GIF89a\x01\0\x01\0\0\0\0;", "latin1"), { name: "cat.gif", type: "image/gif" });
    const { event_id: eventId } = await ghost("tom").sendMessage(channel, { msgtype: "m.image", body: "cat.gif", url });
    await alice.sees(channel, eventId);
    const answer = await fetch(alice.client.mxcUrlToHttp(url, undefined, undefined, undefined, false, true, true),
        { headers: { Authorization: `Bearer ${alice.client.getAccessToken()}` } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "image/gif");
    assert.equal((await answer.arrayBuffer()).byteLength, 14);
});

story.step("users and channels of the network are looked up through the server", async () => {
    const protocols = await alice.client.getThirdpartyProtocols();
    assert.equal(protocols.chat.instances[0].network_id, "chat");
    assert.deepEqual(await alice.client.getThirdpartyUser("chat", { nick: "tom" }), [{ userid: tomId, protocol: "chat", fields: { nick: "tom" } }]);
    const [{ alias }] = await alice.client.getThirdpartyLocation("chat", { channel: "#cats" });
    assert.equal(alias, "#_chat_cats:test.local");
});

story.step("kill -9 of the server, and both sides go on", async () => {
    const before = messages().length;
    await server.kill();
    await server.start();
    alice.client.retryImmediately();
    const bodies = Array.from({ length: 20 }, (_, i) => `After the crash ${i}`);
    for (const body of bodies) {
        await alice.says(channel, body);
    }
    await until("the network to hear the last", () => messages().includes(bodies.at(-1)));
    assert.deepEqual(messages().slice(before), bodies);
    const { event_id: eventId } = await ghost("tom").sendText(channel, "Hiss");
    await alice.sees(channel, eventId);
}, 120);

story.step("a room is upgraded: the bridge and its people move", async () => {
    const { room_id: old } = await alice.client.createRoom({ preset: "public_chat", room_version: "11", name: "Yard", invite: [botId] });
    await alice.seesMembership(old, botId, "join");
    await ghost("tom").join(old);
    await alice.seesMembership(old, tomId, "join");
    const { replacement_room: replacement } = await alice.client.upgradeRoom(old, "12");
    await alice.room(replacement);
    await alice.seesMembership(replacement, botId, "join");
    await alice.seesMembership(replacement, tomId, "join");
    await alice.seesMembership(old, tomId, "leave");
    await alice.says(replacement, "A new yard");
    await until("the network to hear it", () => messages().includes("A new yard"));
});

story.step("nobody was told of anything twice, and the bot sees who is there", async () => {
    const ids = told.map((event) => event.event_id);
    assert.equal(new Set(ids).size, ids.length);
    assert.deepEqual(Object.keys(await bridge.getBot().getJoinedMembers(channel)).sort(), [tomId, alice.userId, botId].sort());
    assert.equal((await bridge.getBot().getJoinedMembers(channel))[tomId].display_name, "tom (chat)");
});

story.step("the server stops in good order", async () => {
    assert.equal(await server.stop(), 0);
});

const failures = await story.tell();
alice?.stopSyncing();
await bridge?.close();
await server.dispose(failures > 0);
await rm(folder, { recursive: true, force: true });
process.exit(failures > 0 ? 1 : 0);
