"""Federation with a Synapse: its users and ours in one room, over cuts and crashes, in several room versions.

Usage: /usr/bin/python3 synapse_story.py COMMAND [ARGUMENT]...   (the command that runs edgematrix)

Each scenario stands for itself, in rooms of its own. Where a name says `A, B`, A's side has the room, or does what the name says, and B is the other.
EDGEMATRIX_SCENARIOS is a regular expression for the names of those to try; without it all are.
"""

import asyncio
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import zlib

import nio

from homeserver import Homeserver, free_port
from link import Link
from nio_person import Person, asked
from story import Story, until
from synapse import Synapse
from user import Refused, User, quote

VERSIONS = ["10", "11", "12"]
wanted = re.compile(os.environ.get("EDGEMATRIX_SCENARIOS", ""))

synapse = Synapse(subprocess.run(
    [pathlib.Path(__file__).parent / "install-synapse"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip())
to_us = free_port()
ours = Homeserver(sys.argv[1:], name=f"edgematrix.test:{to_us}")
links = [Link(to_us, free_port()), Link(free_port(), synapse.federation_port)]
story = Story("synapse", logs=[ours.log, synapse.log])
people = []
# A user of each server, whom all scenarios share.
alice = bob = None


def scenario(name, versions=(), firsts=("EdgeMatrix", "Synapse"), seconds=60):
    """Adds steps: for each of the room versions, if any, and with each of these servers as the first one."""

    def add(action):
        for version in versions or [None]:
            for first in firsts:
                title = f"{name}, {first}, {'Synapse' if first == 'EdgeMatrix' else 'EdgeMatrix'}"
                if version:
                    title = f"version {version}: {title}"
                if wanted.search(title):
                    story.step(title, seconds)(tell(action, version, first))
        return action

    return add


def tell(action, version, first):
    async def told():
        for link in links:
            link.mend()
        sides = [alice, bob] if first == "EdgeMatrix" else [bob, alice]
        await action(*([version] if version else []), *sides)

    return told


# What scenarios are made of


async def meet(version, host, guest, **options):
    """A public room of the host, whom the guest has joined; both have seen that."""
    room = await host.creates(version, preset="public_chat", **options)
    await guest.joins(room, [host.server_name])
    await host.sees_member(room, guest, "join")
    await guest.sees_member(room, guest, "join")
    return room


async def newcomer(friend, name):
    """Somebody else on the server of a friend, who syncs."""
    user = await User.register(server_of(friend), f"{name}{len(people)}")
    people.append(user)
    await user.start_syncing()
    return user


def server_of(user):
    return ours if user.server_name == ours.name else synapse


async def refused(request, *statuses):
    """Checks that the server refuses."""
    try:
        answer = await request
    except Refused as refusal:
        assert refusal.status in statuses, refusal
        return refusal
    raise AssertionError(f"not refused, but answered {answer}")


async def same_state(room, *users):
    """Waits until the whole state of the room is the same event by event for all."""
    difference = None

    async def differ():
        states = [{key: event["event_id"] for key, event in (await user.state(room)).items()} for user in users]
        return {key: [state.get(key) for state in states]
                for key in set().union(*states) if len({state.get(key) for state in states}) > 1}

    for _ in range(30):
        difference = await differ()
        if not difference:
            return
        await asyncio.sleep(0.5)
    raise AssertionError(f"the states of {room} stay different, for {[user.user_id for user in users]}: {difference}")


def as_sent(found, sent, whose):
    """Checks that of the events that were sent all are found, in this order, each once."""
    numbers = {event_id: i for i, event_id in enumerate(sent)}
    found = [numbers[event_id] for event_id in found if event_id in numbers]
    missing = sorted(set(range(len(sent))) - set(found))
    assert not missing, f"{whose} has {len(set(found))} of {len(sent)} events; the first ones missing are {missing[:10]}"
    assert found == list(range(len(sent))), f"{whose} has the events in the order {found}"


async def all_arrive(room, user, sent):
    """Waits until a user has been told all events that somebody sent, in the order of their sending."""
    await user.sees(room, sent[-1])
    as_sent(user.room(room).ids(), sent, f"the sync of {user.user_id}")


async def all_is_there(room, user, sent, seconds=60):
    """Waits until a user finds all events that somebody sent, in the order of their sending; the sync may have told of a gap instead."""
    await user.sees(room, sent[-1], seconds)
    for patience in range(seconds, -1, -1):
        try:
            as_sent([event["event_id"] for event in await user.history(room, 100)], sent, f"the history of {user.user_id}")
            break
        except AssertionError:
            if patience == 0:
                raise
            await asyncio.sleep(1)
    told = [event_id for event_id in user.room(room).ids() if event_id in sent]
    as_sent(told, [event_id for event_id in sent if event_id in told], f"the sync of {user.user_id}")


def png(width, height):
    """A red picture."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\xff\0\0" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def bodies(events):
    return [event["content"]["body"] for event in events if event["type"] == "m.room.message"]


# The beginning


@story.step("both servers start, and a user of each syncs", seconds=150)
async def _():
    global alice, bob
    authority = synapse.authority()
    certificate, key = synapse.certificate("edgematrix.test")
    synapse.configure()
    for link in links:
        await link.open()
    configuration = ours.directory / "edgematrix.toml"
    configuration.write_text(f"""
        [log]
        level = "debug"
        [tls]
        cert = "{certificate}"
        key = "{key}"
        [federation]
        ca_file = "{authority}"
        allow_private_addresses = true
        trusted_key_servers = []
        retry_min = "1s"
        retry_max = "2s"
        [federation.hosts]
        "{synapse.name}" = "127.0.0.1:{links[1].port}"
        """)
    ours.more = ["--config", str(configuration), "--listen", f"https://127.0.0.1:{links[0].target}"]
    await asyncio.gather(ours.start(), synapse.start())
    alice = await User.register(ours, "alice")
    people.append(alice)
    bob = await User.register(synapse, "bob")
    people.append(bob)
    await asyncio.gather(alice.start_syncing(), bob.start_syncing())


# What needs no common room


@scenario("a profile is told")
async def _(one, other):
    await one.ask("PUT", f"/v3/profile/{quote(one.user_id)}/displayname", {"displayname": f"The {one.name}"})
    profile = await other.ask("GET", f"/v3/profile/{quote(one.user_id)}")
    assert profile["displayname"] == f"The {one.name}", profile
    nobody = f"@nobody:{one.server_name}"
    await refused(other.ask("GET", f"/v3/profile/{quote(nobody)}"), 404)


@scenario("an alias leads to its room")
async def _(host, guest):
    room = await host.creates("11", room_alias_name=f"found-{host.name}")
    found = await guest.ask("GET", f"/v3/directory/room/{quote(f'#found-{host.name}:{host.server_name}')}")
    assert found["room_id"] == room and host.server_name in found["servers"], found
    await refused(guest.ask("GET", f"/v3/directory/room/{quote(f'#lost:{host.server_name}')}"), 404)


@scenario("the room directory is told, and searched")
async def _(host, guest):
    room = await host.creates("11", visibility="public", name=f"Market of {host.name}", topic="Fish", preset="public_chat")
    await host.creates("11", visibility="public", name="Elsewhere", preset="public_chat")
    listed = await guest.ask("GET", "/v3/publicRooms", server=host.server_name)
    shown = next(shown for shown in listed["chunk"] if shown["room_id"] == room)
    assert shown["topic"] == "Fish" and shown["num_joined_members"] == 1 and not shown["world_readable"], shown
    searched = await guest.ask("POST", "/v3/publicRooms", {"filter": {"generic_search_term": "market"}}, server=host.server_name)
    assert [shown["room_id"] for shown in searched["chunk"]] == [room], searched


@scenario("the hierarchy of a space goes on at the other server", versions=["11", "12"])
async def _(version, host, guest):
    async def space(owner, *children):
        created = await owner.creates(version, preset="public_chat", creation_content={"type": "m.space"}, name="Space")
        for child, server in children:
            await owner.sets(created, "m.space.child", {"via": [server]}, child)
        return created

    rooms = [await host.creates(version, preset="public_chat", name=f"Child {i}") for i in range(2)]
    inner = await space(host, *((room, host.server_name) for room in rooms))
    outer = await space(guest, (inner, host.server_name))
    shown = await guest.ask("GET", f"/v1/rooms/{quote(outer)}/hierarchy")
    assert {room["room_id"] for room in shown["rooms"]} == {outer, inner, *rooms}, shown
    assert {room.get("name") for room in shown["rooms"]} == {"Space", "Child 0", "Child 1"}, shown


@scenario("a picture is downloaded, and its thumbnail")
async def _(one, other):
    picture = png(400, 300)
    media = (await one.uploads(picture, "image/png", "red.png")).removeprefix("mxc://")
    kind, content = await other.ask("GET", f"/v1/media/download/{media}", raw=True)
    assert kind == "image/png" and content == picture, (kind, len(content))
    kind, thumbnail = await other.ask("GET", f"/v1/media/thumbnail/{media}", raw=True, width=64, height=64, method="scale")
    assert kind in ["image/png", "image/jpeg"] and thumbnail[:4] in [b"\x89PNG", b"\xff\xd8\xff\xe0"], (kind, thumbnail[:10])
    large = bytes(range(256)) * 16384
    media = (await one.uploads(large, "application/octet-stream", "large.bin")).removeprefix("mxc://")
    _, content = await other.ask("GET", f"/v1/media/download/{media}", raw=True)
    assert content == large, len(content)
    await refused(other.ask("GET", f"/v1/media/download/{one.server_name}/nothingofthatname", raw=True), 404)


# Membership


@scenario("a join by alias", versions=VERSIONS)
async def _(version, host, guest):
    alias = f"#hall{version}-{host.name}:{host.server_name}"
    room = await host.creates(
        version, preset="public_chat", room_alias_name=f"hall{version}-{host.name}", name="Hall", topic="Large")
    assert await guest.joins(alias) == room
    await host.sees_member(room, guest, "join")
    await guest.sees_state(room, "m.room.name", "", name="Hall")
    await guest.sees_state(room, "m.room.create", "", room_version=version)
    await guest.sees_member(room, host, "join")
    members = await guest.ask("GET", f"/v3/rooms/{quote(room)}/joined_members")
    assert set(members["joined"]) == {host.user_id, guest.user_id}, members
    await same_state(room, host, guest)


@scenario("a join by invitation", versions=VERSIONS)
async def _(version, host, guest):
    room = await host.creates(version, preset="private_chat", name="Parlour", invite=[guest.user_id])
    invitation = await guest.sees_invitation(room)
    assert any(event["type"] == "m.room.name" and event["content"]["name"] == "Parlour" for event in invitation), invitation
    assert any(event["type"] == "m.room.member" and event["sender"] == host.user_id for event in invitation), invitation
    await guest.joins(room)
    await host.sees_member(room, guest, "join")
    await same_state(room, host, guest)
    await host.sees(room, await guest.says(room, "Thank you"))
    await guest.sees(room, await host.says(room, "Welcome"))


@scenario("an invitation is declined", versions=VERSIONS)
async def _(version, host, guest):
    room = await host.creates(version, preset="private_chat", invite=[guest.user_id])
    await guest.sees_invitation(room)
    await guest.acts(room, "leave")
    await host.sees_member(room, guest, "leave")


@scenario("an invitation is withdrawn", versions=VERSIONS)
async def _(version, host, guest):
    room = await host.creates(version, preset="private_chat", invite=[guest.user_id])
    await guest.sees_invitation(room)
    await host.acts(room, "kick", guest)
    await until("the invitation to be gone", lambda: room not in guest.invitations)
    await refused(guest.joins(room, [host.server_name]), 403)


@scenario("who is not invited does not come in", versions=VERSIONS)
async def _(version, host, guest):
    room = await host.creates(version, preset="private_chat")
    await refused(guest.joins(room, [host.server_name]), 403)


@scenario("a knock is answered", versions=VERSIONS)
async def _(version, host, guest):
    room = await host.creates(version, preset="private_chat", name="Study", initial_state=[
        {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}}])
    await guest.knocks_on(room, [host.server_name])
    knock = await host.sees_member(room, guest, "knock")
    assert knock["content"]["reason"] == "Let me in", knock
    stripped = await until("the knock to be told", lambda: guest.knocks.get(room))
    assert any(event["type"] == "m.room.name" and event["content"]["name"] == "Study" for event in stripped), stripped
    await host.acts(room, "invite", guest)
    await guest.sees_invitation(room)
    await guest.joins(room, [host.server_name])
    await host.sees_member(room, guest, "join")
    await same_state(room, host, guest)


# Synapse withdraws no knocks at other servers.
@scenario("a knock is withdrawn", versions=VERSIONS, firsts=["Synapse"])
async def _(version, host, guest):
    room = await host.creates(version, preset="private_chat", initial_state=[
        {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}}])
    await guest.knocks_on(room, [host.server_name])
    await host.sees_member(room, guest, "knock")
    await guest.acts(room, "leave")
    await host.sees_member(room, guest, "leave")
    await until("the knock to be gone", lambda: room not in guest.knocks)


# Nobody tells the other server of a refusal, as it is not in the room.
@scenario("a knock is refused, and another answered", versions=VERSIONS)
async def _(version, host, guest):
    room = await host.creates(version, preset="private_chat", initial_state=[
        {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}}])
    await guest.knocks_on(room, [host.server_name])
    await host.sees_member(room, guest, "knock")
    await host.acts(room, "kick", guest)
    await refused(guest.joins(room, [host.server_name]), 403)
    await guest.knocks_on(room, [host.server_name])
    await host.sees_member(room, guest, "knock")
    await host.acts(room, "invite", guest)
    await guest.sees_invitation(room)
    await guest.joins(room, [host.server_name])
    await host.sees_member(room, guest, "join")
    await same_state(room, host, guest)


@scenario("who is in one room may join another", versions=VERSIONS)
async def _(version, host, guest):
    club = await host.creates(version, preset="public_chat")
    room = await host.creates(version, preset="private_chat", initial_state=[
        {"type": "m.room.join_rules", "state_key": "",
         "content": {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": club}]}}])
    await refused(guest.joins(room, [host.server_name]), 403)
    await guest.joins(club, [host.server_name])
    await host.sees_member(club, guest, "join")
    await guest.joins(room, [host.server_name])
    member = await host.sees_member(room, guest, "join")
    assert member["content"]["join_authorised_via_users_server"] == host.user_id, member
    await same_state(room, host, guest)
    await guest.sees(room, await host.says(room, "Members only"))


@scenario("one leaves and comes back", versions=VERSIONS)
async def _(version, host, guest):
    room = await meet(version, host, guest)
    await guest.acts(room, "leave")
    await host.sees_member(room, guest, "leave")
    missed = await host.says(room, "While you were away")
    await host.sees(room, missed)
    await guest.joins(room, [host.server_name])
    await host.sees_member(room, guest, "join")
    await guest.sees(room, await host.says(room, "Again"))
    await host.sees(room, await guest.says(room, "Here"))
    assert missed in [event["event_id"] for event in await guest.history(room)], "what was said meanwhile"
    await same_state(room, host, guest)


@scenario("one is kicked, banned and unbanned", versions=VERSIONS)
async def _(version, host, guest):
    room = await meet(version, host, guest)
    await host.acts(room, "kick", guest, reason="Too loud")
    kicked = await guest.sees_member(room, guest, "leave")
    assert kicked["sender"] == host.user_id and kicked["content"]["reason"] == "Too loud", kicked
    await guest.joins(room, [host.server_name])
    await host.sees_member(room, guest, "join")
    await host.acts(room, "ban", guest)
    await guest.sees_member(room, guest, "ban")
    await refused(guest.joins(room, [host.server_name]), 403)
    await host.acts(room, "unban", guest)
    await guest.joins(room, [host.server_name])
    await host.sees_member(room, guest, "join")
    await same_state(room, host, guest)


@scenario("the guest may kick and ban with the power to", versions=VERSIONS)
async def _(version, host, guest):
    room = await meet(version, host, guest)
    second = await newcomer(host, "mallory")
    await second.joins(room, [host.server_name])
    await guest.sees_member(room, second, "join")
    await refused(guest.acts(room, "ban", second), 403)
    levels = (await host.state(room))["m.room.power_levels", ""]["content"]
    levels.setdefault("users", {})[guest.user_id] = 50
    await host.sets(room, "m.room.power_levels", levels)
    await guest.sees_state(room, "m.room.power_levels", "", users=levels["users"])
    await guest.acts(room, "ban", second)
    await host.sees_member(room, second, "ban")
    await second.sees_member(room, second, "ban")
    await same_state(room, host, guest)


@scenario("one who is deactivated leaves", versions=["11"])
async def _(version, host, guest):
    leaver = await newcomer(guest, "leaver")
    room = await meet(version, host, leaver)
    await leaver.stop_syncing()
    await leaver.ask("POST", "/v3/account/deactivate", {"auth": {
        "type": "m.login.password", "identifier": {"type": "m.id.user", "user": leaver.user_id}, "password": f"secret of {leaver.name}"}})
    await host.sees_member(room, leaver, "leave")


# In a common room


@scenario("the past is read by who comes later", versions=VERSIONS)
async def _(version, host, guest):
    room = await host.creates(version, preset="public_chat")
    for i in range(60):
        await host.says(room, f"Long ago {i}")
    await guest.joins(room, [host.server_name])
    history = []

    # What is not there yet when it is asked for may come with the next question.
    for _ in range(10):
        history = await guest.history(room)
        if history[0]["type"] == "m.room.create":
            break
        await asyncio.sleep(1)
    assert bodies(history) == [f"Long ago {i}" for i in range(60)], bodies(history)
    assert history[0]["type"] == "m.room.create", history[0]
    known = [event["event_id"] for event in history]
    assert len(set(known)) == len(known), "an event twice"
    assert known == [event["event_id"] for event in await host.history(room)][:len(known)], "in another order"


@scenario("both talk, in order", versions=VERSIONS)
async def _(version, host, guest):
    room = await meet(version, host, guest)
    for i in range(5):
        await guest.sees(room, await host.says(room, f"Question {i}"))
        await host.sees(room, await guest.says(room, f"🔨 {i} \"\\\u2028"))
    said = {host: [], guest: []}

    async def talks(user):
        for i in range(30):
            said[user].append(await user.says(room, f"{user.name} {i}"))

    await asyncio.gather(talks(host), talks(guest))
    for user in [host, guest]:
        for speaker in [host, guest]:
            await all_arrive(room, user, said[speaker])
    await same_state(room, host, guest)


@scenario("edits, reactions and redactions arrive", versions=VERSIONS)
async def _(version, host, guest):
    room = await meet(version, host, guest)
    for one, other in [(host, guest), (guest, host)]:
        message = await one.says(room, "My password is")
        await other.sees(room, message)
        reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": message, "key": "👍"}}
        assert (await one.sees(room, await other.sends(room, "m.reaction", reaction)))["content"] == reaction
        redaction = await one.redacts(room, message)
        seen = await other.sees(room, redaction)
        assert seen.get("redacts", seen["content"].get("redacts")) == message, seen
        fetched = await other.event(room, message)
        assert fetched["content"] == {} and fetched["unsigned"]["redacted_because"]["event_id"] == redaction, fetched
    # Who has the power redacts what others said; who has not, does not.
    message = await guest.says(room, "Nonsense")
    await host.sees(room, message)
    await guest.sees(room, await host.redacts(room, message))
    assert (await guest.event(room, message))["content"] == {}
    message = await host.says(room, "Sense")
    await guest.sees(room, message)
    await refused(guest.redacts(room, message), 403)


@scenario("name, topic and power levels change", versions=VERSIONS)
async def _(version, host, guest):
    room = await meet(version, host, guest)
    await host.sets(room, "m.room.name", {"name": "Workshop"})
    await guest.sees_state(room, "m.room.name", "", name="Workshop")
    await refused(guest.sets(room, "m.room.topic", {"topic": "Mine"}), 403)
    levels = (await host.state(room))["m.room.power_levels", ""]["content"]
    levels.setdefault("users", {})[guest.user_id] = 90
    levels["events"]["m.room.power_levels"] = 90
    await host.sets(room, "m.room.power_levels", levels)
    await guest.sees_state(room, "m.room.power_levels", "", users=levels["users"])
    await guest.sets(room, "m.room.topic", {"topic": "Tools"})
    await host.sees_state(room, "m.room.topic", "", topic="Tools")
    levels["events_default"] = 90
    await guest.sets(room, "m.room.power_levels", levels)
    await host.sees_state(room, "m.room.power_levels", "", events_default=90)
    await same_state(room, host, guest)


@scenario("a new name of a member is seen", versions=["11"])
async def _(version, host, guest):
    room = await meet(version, host, guest)
    await guest.ask("PUT", f"/v3/profile/{quote(guest.user_id)}/displayname", {"displayname": f"Dr {guest.name}"})
    await host.sees_state(room, "m.room.member", guest.user_id, displayname=f"Dr {guest.name}")


@scenario("typing and receipts are seen", versions=["11"])
async def _(version, host, guest):
    room = await meet(version, host, guest)
    for one, other in [(host, guest), (guest, host)]:
        def typing(user=one, reader=other):
            return user.user_id in reader.room(room).ephemeral.get("m.typing", {}).get("user_ids", [])

        path = f"/v3/rooms/{quote(room)}/typing/{quote(one.user_id)}"
        await one.ask("PUT", path, {"typing": True, "timeout": 20000})
        await until(f"{one.user_id} to type", typing)
        await one.ask("PUT", path, {"typing": False})
        await until(f"{one.user_id} to type no more", lambda: not typing())
        message = await other.says(room, "Read me")
        await one.sees(room, message)
        await one.ask("POST", f"/v3/rooms/{quote(room)}/receipt/m.read/{quote(message)}", {})
        await until(f"{one.user_id} to have read", lambda: other.room(room).ephemeral.get(("m.receipt", one.user_id)) == message)


@scenario("presence is seen", versions=["11"])
async def _(version, host, guest):
    await meet(version, host, guest)
    for status in ["Busy", "Gone fishing"]:
        await host.ask("PUT", f"/v3/presence/{quote(host.user_id)}/status", {"presence": "online", "status_msg": status})
        await until(f"{host.user_id} to be {status}", lambda: guest.presence.get(host.user_id, {}).get("status_msg") == status)
    assert guest.presence[host.user_id]["presence"] == "online", guest.presence


@scenario("a room is upgraded", versions=VERSIONS)
async def _(version, host, guest):
    room = await meet(version, host, guest, name="Old house")
    path = f"/v3/rooms/{quote(room)}/upgrade"
    replacement = (await host.ask("POST", path, {"new_version": str(min(int(version) + 1, 12))}))["replacement_room"]
    tombstone = await guest.sees_state(room, "m.room.tombstone", "", replacement_room=replacement)
    await guest.joins(replacement, [tombstone["sender"].split(":", 1)[1]])
    await host.sees_member(replacement, guest, "join")
    created = await guest.sees_state(replacement, "m.room.create", "")
    assert created["content"]["predecessor"]["room_id"] == room, created
    await guest.sees_state(replacement, "m.room.name", "", name="Old house")
    await same_state(replacement, host, guest)
    await refused(guest.says(room, "Anybody?"), 403)


@scenario("a server is kept out of a room, and let in again", versions=VERSIONS)
async def _(version, host, guest):
    room = await meet(version, host, guest)
    beside = await meet(version, host, guest)
    await host.sets(room, "m.room.server_acl", {"allow": ["*"], "deny": [guest.server_name.split(":")[0]], "allow_ip_literals": True})
    await guest.sees_state(room, "m.room.server_acl", "")
    silent = await guest.says(room, "Can you hear me?")
    await host.sees(beside, await guest.says(beside, "Elsewhere you can"))
    await guest.acts(room, "leave")
    await refused(guest.joins(room, [host.server_name]), 403)
    assert silent not in host.room(room).ids(), "what a server sent that was kept out"
    await host.sees_member(room, guest, "join")
    await host.sets(room, "m.room.server_acl", {"allow": ["*"], "deny": []})
    await guest.joins(room, [host.server_name])
    await guest.sees(room, await host.says(room, "At last"))
    await host.sees(room, await guest.says(room, "Can you hear me now?"))


# Encryption


@scenario("people talk encrypted, and with a new device", seconds=90)
async def _(host, guest):
    one = await Person.register(server_of(host).base_url, f"ann{len(people)}", encrypted=True)
    people.append(one)
    other = await Person.register(server_of(guest).base_url, f"ben{len(people)}", encrypted=True)
    people.append(other)
    await asyncio.gather(one.start_syncing(), other.start_syncing())
    encryption = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
    room = (await asked(one.client.room_create(
        preset=nio.RoomPreset.private_chat, room_version="11", initial_state=[encryption], invite=[other.user_id]))).room_id
    await other.sees_invitation(room)
    await asked(other.client.join(room))
    await one.sees_membership(room, other.user_id, "join")
    await until("both to know each other", lambda: all(
        person.user_id in reader.rooms[room].users for reader in [one, other] if room in reader.rooms for person in [one, other]))
    await until("the encryption to be known", lambda: room in other.rooms and other.rooms[room].encrypted and one.rooms[room].encrypted)

    async def read_by(reader, event_id, body):
        event = await reader.sees(room, event_id)
        assert event["type"] == "m.room.message" and event["content"]["body"] == body or event_id in reader.unreadable, event
        assert (await reader.reads(room, event_id))["content"]["body"] == body

    await read_by(other, await one.says(room, "A secret"), "A secret")
    await read_by(one, await other.says(room, "Another"), "Another")
    device = await other.on_new_device()
    people.append(device)
    await device.start_syncing()
    await until("the new device to be known", lambda: one.client.device_store[other.user_id].get(device.client.device_id))
    await read_by(device, await one.says(room, "For the new device, too"), "For the new device, too")


# Failures


@scenario("200 messages wait for a server that is down", versions=["11"], seconds=150)
async def _(version, down, up):
    room = await meet(version, down, up)
    server = server_of(down)
    if server is ours:
        await ours.kill()
    else:
        await synapse.stop()
    sent = [await up.says(room, f"Are you there? {i}") for i in range(200)]
    await server.start()
    await all_is_there(room, down, sent)
    await up.sees(room, await down.says(room, "I am"))
    await same_state(room, down, up)


@scenario("200 messages wait for a server that is down, in the outbox of one that is killed", versions=["11"], seconds=150)
async def _(version, down, up):
    room = await meet(version, down, up)
    server = server_of(up)
    for link in links:
        link.cut()
    sent = [await up.says(room, f"Anybody? {i}") for i in range(200)]
    server.process.kill()
    await server.process.wait()
    for link in links:
        link.mend()
    await server.start()
    await all_is_there(room, down, sent)


@scenario("a netsplit with conflicting state heals", versions=VERSIONS, seconds=120)
async def _(version, host, guest):
    room = await meet(version, host, guest)
    second = await newcomer(host, "second")
    await second.joins(room)
    third = await newcomer(guest, "third")
    await third.joins(room, [host.server_name])
    levels = (await host.state(room))["m.room.power_levels", ""]["content"]
    levels.setdefault("users", {})[guest.user_id] = 90
    levels["events"]["m.room.power_levels"] = 90
    await host.sets(room, "m.room.power_levels", levels)
    await guest.sees_state(room, "m.room.power_levels", "", users=levels["users"])
    await host.sees_member(room, third, "join")
    await guest.sees_member(room, second, "join")

    for link in links:
        link.cut()
    sent = {host: [], guest: []}
    for user in [host, guest]:
        await user.sets(room, "m.room.name", {"name": f"The room of {user.name}"})
        await user.sets(room, "m.room.topic", {"topic": f"What {user.name} likes"})
        sent[user] += [await user.says(room, f"{user.name} {i}") for i in range(20)]
    # Each side takes from the other who is of it, one by banning, one by a change of levels that the other could not allow any more.
    await host.acts(room, "ban", third)
    await guest.acts(room, "ban", second)
    await third.says(room, "I am still here")
    await second.says(room, "So am I")
    await host.sets(room, "m.room.power_levels", {**levels, "users": {**levels["users"], guest.user_id: 0}})
    await guest.sets(room, "m.room.join_rules", {"join_rule": "invite"})
    await guest.sets(room, "m.room.power_levels", {**levels, "events_default": 10})
    for link in links:
        link.mend()

    # What is said now makes each side hear of the other's end of the room.
    await host.says(room, "Hello?")
    await guest.sets(room, "m.room.member", {"membership": "join", "displayname": "Healed"}, guest.user_id)
    await same_state(room, host, guest)
    settled = await host.state(room)
    assert settled["m.room.power_levels", ""]["content"]["users"][guest.user_id] == 0, settled["m.room.power_levels", ""]
    assert settled["m.room.member", third.user_id]["content"]["membership"] == "ban", settled["m.room.member", third.user_id]
    await all_is_there(room, guest, sent[host])


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
        await ours.dispose(failures > 0)
        await synapse.dispose(failures > 0)
        for link in links:
            await link.close()
    return 1 if failures else 0


sys.exit(asyncio.run(main()))
