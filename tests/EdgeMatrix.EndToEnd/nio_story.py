"""Two people with matrix-nio, from their registration to the day after the crash.

Usage: /usr/bin/python3 nio_story.py COMMAND [ARGUMENT]...   (the command that runs edgematrix)
"""

import asyncio
import signal
import struct
import sys
import zlib

import aiohttp
import nio

from homeserver import Homeserver
from nio_person import SYNC_FILTER, Person, Refused, asked
from story import Story, until

server = Homeserver(sys.argv[1:])
story = Story("nio")
people = []
carol = dave = room_id = None


async def refused(code, request):
    """Checks that the server refuses, and with which code."""
    try:
        answer = await request
    except Refused as refusal:
        assert refusal.code == code, refusal
        return
    assert isinstance(answer, nio.ErrorResponse) and answer.status_code == code, answer


def png(width, height):
    """A red picture."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\xff\0\0" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def ids(events):
    return [event["event_id"] for event in events]


def same_order(reader, these, other_reader, those):
    for i, (this, that) in enumerate(zip(these, those)):
        assert this == that, f"{reader} and {other_reader} differ from event {i} on: {this} and {that}"
    assert len(these) == len(those), f"{reader} holds {len(these)} events, {other_reader} {len(those)}"


@story.step("the server starts")
async def _():
    await server.start()


@story.step("two people register")
async def _():
    global carol, dave
    carol = await Person.register(server.base_url, "carol")
    dave = await Person.register(server.base_url, "dave")
    people.extend([carol, dave])
    assert carol.user_id == "@carol:test.local", carol.user_id
    assert (await asked(carol.client.whoami())).user_id == carol.user_id
    await refused("M_USER_IN_USE", Person.register(server.base_url, "carol"))


@story.step("a wrong password opens nothing")
async def _():
    stranger = Person(server.base_url, "carol", "a guess")
    try:
        await refused("M_FORBIDDEN", stranger.client.login("a guess"))
    finally:
        await stranger.close()


@story.step("both sync")
async def _():
    await asyncio.gather(carol.start_syncing(), dave.start_syncing())


@story.step("one creates a room, invites, the other joins")
async def _():
    global room_id
    created = await asked(carol.client.room_create(
        preset=nio.RoomPreset.private_chat, name="Workshop", topic="Tools", invite=[dave.user_id]))
    room_id = created.room_id
    invitation = await dave.sees_invitation(room_id)
    assert any(event["type"] == "m.room.name" and event["content"]["name"] == "Workshop" for event in invitation), invitation
    assert any(event["type"] == "m.room.member" and event["sender"] == carol.user_id for event in invitation), invitation
    await asked(dave.client.join(room_id))
    await carol.sees_membership(room_id, dave.user_id, "join")
    await until("dave to be in the room", lambda: room_id in dave.rooms)
    await until("dave to know the topic", lambda: dave.rooms[room_id].topic == "Tools")
    assert (await asked(dave.client.joined_rooms())).rooms == [room_id]
    members = (await asked(dave.client.joined_members(room_id))).members
    assert sorted(member.user_id for member in members) == [carol.user_id, dave.user_id], members


@story.step("they talk both ways")
async def _():
    for i in range(3):
        question = await carol.says(room_id, f"Hammer {i}?")
        assert (await dave.sees(room_id, question))["content"]["body"] == f"Hammer {i}?"
        answer = await dave.says(room_id, f"🔨 {i} \"\\\u2028")
        seen = await carol.sees(room_id, answer)
        assert seen["content"]["body"] == f"🔨 {i} \"\\\u2028" and seen["sender"] == dave.user_id, seen


@story.step("a message sent again with its transaction ID is one message")
async def _():
    content = {"msgtype": "m.text", "body": "Only once"}
    first = await carol.sends(room_id, "m.room.message", content, "once")
    assert await carol.sends(room_id, "m.room.message", content, "once") == first
    assert await dave.sends(room_id, "m.room.message", content, "once") != first
    assert (await carol.sees(room_id, first))["unsigned"]["transaction_id"] == "once"
    assert "transaction_id" not in (await dave.sees(room_id, first)).get("unsigned", {})


@story.step("edits and reactions arrive as they were sent")
async def _():
    original = await carol.says(room_id, "Pass the swa")
    edit = {"m.new_content": {"msgtype": "m.text", "body": "Pass the saw"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": original}}
    edited = await carol.says(room_id, "* Pass the saw", **edit)
    seen = await dave.sees(room_id, edited)
    assert seen["content"] == {"msgtype": "m.text", "body": "* Pass the saw", **edit}, seen
    relation = {"m.relates_to": {"rel_type": "m.annotation", "event_id": original, "key": "👍"}}
    reaction = await dave.sends(room_id, "m.reaction", relation)
    assert (await carol.sees(room_id, reaction))["content"] == relation


@story.step("a redaction takes the text away")
async def _():
    message = await dave.says(room_id, "My password is")
    await carol.sees(room_id, message)
    redaction = (await asked(dave.client.room_redact(room_id, message, "oops"))).event_id
    seen = await carol.sees(room_id, redaction)
    assert seen.get("redacts", seen["content"].get("redacts")) == message, seen
    fetched = (await asked(carol.client.room_get_event(room_id, message))).event
    assert isinstance(fetched, nio.RedactedEvent), fetched
    assert fetched.redacter == dave.user_id and fetched.reason == "oops", fetched


@story.step("typing is seen, and its end")
async def _():
    await asked(dave.client.room_typing(room_id, True, 20000))
    await until("carol to see dave typing", lambda: dave.user_id in carol.rooms[room_id].typing_users)
    await asked(dave.client.room_typing(room_id, False))
    await until("carol to see dave stop", lambda: not carol.rooms[room_id].typing_users)


@story.step("a read receipt is seen")
async def _():
    def carol_sees_that_dave_read(event_id):
        receipt = carol.rooms[room_id].read_receipts.get(dave.user_id)
        return receipt and receipt.event_id == event_id

    first = await carol.says(room_id, "Read me")
    await dave.sees(room_id, first)
    await asked(dave.client.update_receipt_marker(room_id, first))
    await until("carol to see that dave read it", lambda: carol_sees_that_dave_read(first))
    second = await carol.says(room_id, "And me")
    await dave.sees(room_id, second)
    await asked(dave.client.room_read_markers(room_id, second, second))
    await until("carol to see that dave read on", lambda: carol_sees_that_dave_read(second))
    await until("dave to see his read marker", lambda: dave.rooms[room_id].fully_read_marker == second)


@story.step("display name, room name and topic change")
async def _():
    await asked(dave.client.set_displayname("Dave of the Workshop"))
    await until("carol to see the name", lambda: carol.rooms[room_id].user_name(dave.user_id) == "Dave of the Workshop")
    assert (await asked(carol.client.get_displayname(dave.user_id))).displayname == "Dave of the Workshop"
    await asked(carol.client.room_put_state(room_id, "m.room.name", {"name": "Shed"}))
    await asked(carol.client.room_put_state(room_id, "m.room.topic", {"topic": "Saws"}))
    await until("dave to see both", lambda: (dave.rooms[room_id].name, dave.rooms[room_id].topic) == ("Shed", "Saws"))
    await refused("M_FORBIDDEN", dave.client.room_put_state(room_id, "m.room.name", {"name": "Dave's"}))
    state = (await asked(dave.client.room_get_state_event(room_id, "m.room.topic"))).content
    assert state["topic"] == "Saws", state


@story.step("a picture has a thumbnail")
async def _():
    async with aiohttp.ClientSession(server.base_url, headers={"Authorization": f"Bearer {carol.client.access_token}"}) as http:
        async with http.post("/_matrix/media/v3/upload", data=png(400, 300), headers={"Content-Type": "image/png"}) as answer:
            picture = (await answer.json())["content_uri"].removeprefix("mxc://")
        async with http.get(f"/_matrix/client/v1/media/thumbnail/{picture}?width=96&height=96&method=crop") as answer:
            thumbnail = await answer.read()
            assert answer.status == 200 and answer.content_type == "image/jpeg" and thumbnail[:3] == b"\xff\xd8\xff", answer


@story.step("history pages back past the sync limit")
async def _():
    bodies = [f"Nail {i}" for i in range(60)]
    for body in bodies:
        await carol.says(room_id, body)
    reader = await dave.on_new_device()
    people.append(reader)
    first = await asked(reader.client.sync(sync_filter={"room": {"timeline": {"limit": 5}}}))
    timeline = first.rooms.join[room_id].timeline
    assert timeline.limited and [event.body for event in timeline.events] == bodies[-5:], timeline
    page = await asked(reader.client.room_messages(room_id, timeline.prev_batch, limit=10))
    assert [event.body for event in page.chunk] == bodies[-6:-16:-1], page.chunk
    rest = [event async for event in reader.pages(room_id, nio.MessageDirection.back, page.end)]
    assert [event["content"]["body"] for event in rest[:45]] == bodies[-16::-1]
    assert rest[-1]["type"] == "m.room.create", rest[-1]
    back = [event async for event in reader.pages(room_id, nio.MessageDirection.front, page.start)]
    assert [event["content"]["body"] for event in back] == bodies[-5:], "forwards from the first token"
    context = await asked(reader.client.room_context(room_id, rest[-1]["event_id"], limit=4))
    assert context.event.event_id == rest[-1]["event_id"] and not context.events_before and context.events_after, context
    token = reader.client.access_token
    await asked(reader.client.logout())
    reader.client.access_token = token
    await refused("M_UNKNOWN_TOKEN", reader.client.joined_rooms())
    await reader.close()


@story.step("one leaves and comes back, is kicked, banned and unbanned")
async def _():
    await asked(dave.client.room_leave(room_id))
    await carol.sees_membership(room_id, dave.user_id, "leave")
    await dave.sees_membership(room_id, dave.user_id, "leave")
    await refused("M_FORBIDDEN", dave.client.join(room_id))
    await asked(carol.client.room_invite(room_id, dave.user_id))
    await dave.sees_invitation(room_id)
    await asked(dave.client.join(room_id))
    await carol.sees_membership(room_id, dave.user_id, "join")
    await dave.sees_membership(room_id, dave.user_id, "join")

    await asked(carol.client.room_kick(room_id, dave.user_id, "Too loud"))
    kicked = await dave.sees_membership(room_id, dave.user_id, "leave")
    assert kicked["sender"] == carol.user_id and kicked["content"]["reason"] == "Too loud", kicked
    await asked(carol.client.room_ban(room_id, dave.user_id, "For good"))
    await carol.sees_membership(room_id, dave.user_id, "ban")
    assert isinstance(await dave.client.join(room_id), nio.JoinError)
    await asked(carol.client.room_unban(room_id, dave.user_id))
    await carol.sees_membership(room_id, dave.user_id, "leave")
    await asked(carol.client.room_invite(room_id, dave.user_id))
    await dave.sees_invitation(room_id)
    await asked(dave.client.join(room_id))
    await carol.sees_membership(room_id, dave.user_id, "join")
    await dave.sees_membership(room_id, dave.user_id, "join")


@story.step("one goes on with a new device")
async def _():
    # No sync told dave what happened while he was out; the new device is told everything.
    global dave
    await dave.stop_syncing()
    dave = await dave.on_new_device()
    people.append(dave)
    await dave.start_syncing()


@story.step("a sync goes on where it stopped")
async def _():
    await dave.stop_syncing()
    since = dave.since
    missed = [await carol.says(room_id, f"While you slept {i}") for i in range(5)]
    answer = await asked(dave.client.sync(since=since, sync_filter=SYNC_FILTER))
    timeline = answer.rooms.join[room_id].timeline
    assert [event.event_id for event in timeline.events] == missed and not timeline.limited, timeline
    await dave.start_syncing()
    await dave.sees(room_id, missed[-1])


acknowledged = {}


@story.step("kill -9 twice while 200 messages are sent: each is acknowledged in the end", seconds=240)
async def _():
    kill_at = [50, 130]
    restarts = []

    async def restart(death):
        await death
        await server.start()

    async def storm(person, name, count):
        for i in range(count):
            body = f"{name} {i}"
            acknowledged[body] = await person.sends(room_id, "m.room.message", {"msgtype": "m.text", "body": body}, body)
            if kill_at and len(acknowledged) >= kill_at[0] and all(restart.done() for restart in restarts):
                kill_at.pop(0)
                restarts.append(asyncio.create_task(restart(server.kill())))

    await asyncio.gather(*(storm(person, f"{name} {worker}", 25)
                           for person, name in [(carol, "carol"), (dave, "dave")] for worker in range(4)))
    await asyncio.gather(*restarts)
    assert not kill_at, "both kills happened"
    assert len(acknowledged) == len(set(acknowledged.values())) == 200


@story.step("the conversation goes on after the crash")
async def _():
    question = await carol.says(room_id, "Are you still there?")
    await dave.sees(room_id, question)
    answer = await dave.says(room_id, "I am")
    await carol.sees(room_id, answer)
    acknowledged["Are you still there?"], acknowledged["I am"] = question, answer
    await asked(carol.client.room_typing(room_id, True, 20000))
    await until("dave to see carol typing", lambda: carol.user_id in dave.rooms[room_id].typing_users)
    state = (await asked(dave.client.room_get_state_event(room_id, "m.room.name"))).content
    assert state["name"] == "Shed", state


history = []


@story.step("a new device reads every acknowledged message exactly once")
async def _():
    history.extend(await carol.whole_history(room_id))
    assert history[0]["type"] == "m.room.create", history[0]
    assert len(set(ids(history))) == len(history), "an event twice"
    found = [(event["content"].get("body"), event["event_id"]) for event in history if event["content"].get("body") in acknowledged]
    assert sorted(found) == sorted(acknowledged.items()), set(found) ^ set(acknowledged.items())
    for name in [f"{name} {worker} " for name in ["carol", "dave"] for worker in range(4)]:
        told = [body for body, _ in found if body.startswith(name)]
        assert told == [f"{name}{i}" for i in range(25)], told
    same_order("carol's new device", ids(history), "dave's new device", ids(await dave.whole_history(room_id)))


@story.step("both were told every event once, in that order")
async def _():
    for person in [carol, dave]:
        await person.sees(room_id, history[-1]["event_id"])
        assert room_id not in person.duplicates, person.duplicates[room_id]
        same_order(person.user_id, ids(person.events[room_id]), "the new device", ids(history))


@story.step("the server stops in good order and starts again with the same room")
async def _():
    code = await server.stop()
    assert code == 0, f"exit code {code}"
    await server.start()
    message = await carol.says(room_id, "After the restart")
    await dave.sees(room_id, message)


async def main():
    task = asyncio.current_task()
    for number in [signal.SIGINT, signal.SIGTERM]:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    failures = 1
    try:
        failures = await story.tell()
    finally:
        for person in people:
            await person.close()
        await server.dispose(failures > 0)
    return 1 if failures else 0


sys.exit(asyncio.run(main()))
