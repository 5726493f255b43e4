"""A server is backed up by processes beside it while people write, and restored; a restore is killed.

Usage: /usr/bin/python3 backup_story.py COMMAND [ARGUMENT]...   (the command that runs edgematrix)
"""

import asyncio
import base64
import contextlib
import json
import pathlib
import shutil
import signal
import sqlite3
import sys
import tempfile
import urllib.request

from homeserver import Homeserver
from story import Story

ROOMS = 4
BACKUPS = 6

server = Homeserver(sys.argv[1:])
restored = Homeserver(sys.argv[1:])
story = Story("backup")
folder = pathlib.Path(tempfile.mkdtemp(prefix="edgematrix-backup-"))
archive = folder / "backup.tar"
acknowledged = []  # (room id, event id), in the order of the answers
token = since = None
rooms = []
senders = []
last_backed_up = []


def ask(method, path, body=None, base_url=None):
    """One request as the one person there is; returns what was answered, and raises if that is an error."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request((base_url or server.base_url) + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


async def run(*arguments):
    """Runs edgematrix to its end; returns its exit code and what it complained of."""
    process = await asyncio.create_subprocess_exec(
        *server.command, *map(str, arguments), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE)
    _, complaint = await process.communicate()
    return process.returncode, complaint.decode()


async def send(room):
    number = 0
    while True:
        path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/{room[1:9]}-{number}"
        content = {"msgtype": "m.text", "body": "x" * (number * 37 % 3000)}
        answer = await asyncio.to_thread(ask, "PUT", path, content)
        acknowledged.append((room, answer["event_id"]))
        number += 1


def stored_ids(data):
    database = sqlite3.connect(f"file:{data}/edgematrix.db?mode=ro", uri=True)
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {bytes(row[0]) for row in database.execute("SELECT event_id FROM events")}
    finally:
        database.close()


def hash_of(event_id):
    return base64.urlsafe_b64decode(event_id[1:] + "=")


@story.step("the server starts, and four rooms are written into")
async def _():
    global token
    await server.start()
    registration = {"username": "erin", "password": "to be kept", "auth": {"type": "m.login.dummy"}}
    token = ask("POST", "/_matrix/client/v3/register", registration)["access_token"]
    for _ in range(ROOMS):
        rooms.append(ask("POST", "/_matrix/client/v3/createRoom", {})["room_id"])
    senders.extend(asyncio.create_task(send(room)) for room in rooms)


@story.step("each backup holds all that was acknowledged before it began", seconds=200)
async def _():
    for number in range(BACKUPS):
        await asyncio.sleep(0.5)
        before = list(acknowledged)
        code, complaint = await run("backup", archive, "--data", server.directory / "data")
        assert code == 0, complaint
        data = folder / f"restored-{number}"
        code, complaint = await run("restore", archive, "--data", data)
        assert code == 0, complaint
        stored = stored_ids(data)
        missing = [event_id for _, event_id in before if hash_of(event_id) not in stored]
        assert not missing, f"{len(missing)} of {len(before)} acknowledged messages are missing, such as {missing[0]}"
        last_backed_up[:] = before


@story.step("the server went on meanwhile, and stops in good order")
async def _():
    global since
    for sender in senders:
        assert not sender.done(), sender.exception()
        sender.cancel()
    await asyncio.gather(*senders, return_exceptions=True)
    assert len(acknowledged) > len(last_backed_up) > ROOMS
    since = ask("GET", "/_matrix/client/v3/sync")["next_batch"]
    code = await server.stop()
    assert code == 0, f"exit code {code}"
    stored = stored_ids(server.directory / "data")
    assert all(hash_of(event_id) in stored for _, event_id in acknowledged)


@story.step("what was restored serves, and takes the tokens that clients have from after the backup")
async def _():
    shutil.copytree(folder / f"restored-{BACKUPS - 1}", restored.directory / "data")
    await restored.start()
    for room in rooms:
        event_id = [event for of, event in last_backed_up if of == room][-1]
        ask("GET", f"/_matrix/client/v3/rooms/{room}/event/{event_id}", base_url=restored.base_url)
    sent = ask("PUT", f"/_matrix/client/v3/rooms/{rooms[0]}/send/m.room.message/after", {"msgtype": "m.text", "body": "after"}, restored.base_url)
    news = ask("GET", f"/_matrix/client/v3/sync?since={since}", base_url=restored.base_url)["rooms"]["join"][rooms[0]]
    assert sent["event_id"] in [event["event_id"] for event in news["timeline"]["events"]]


@story.step("a restore that is killed leaves no folder that a server would begin anew in", seconds=120)
async def _():
    killed = 0
    for number in range(12):
        data = folder / f"killed-{number}"
        process = await asyncio.create_subprocess_exec(
            *server.command, "restore", str(archive), "--data", str(data),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
        try:
            await asyncio.wait_for(process.wait(), 0.02 * (number + 1))
        except asyncio.TimeoutError:
            with contextlib.suppress(ProcessLookupError):  # it may have ended just now
                process.send_signal(signal.SIGKILL)
            await process.wait()
        if (data / "restoring").exists() and not (data / "edgematrix.db").exists():
            killed += 1
            code, complaint = await run("serve", "--data", data, "--listen", "http://127.0.0.1:0")
            assert code == 2 and "restore" in complaint, f"exit code {code}: {complaint}"
            assert not (data / "edgematrix.db").exists()
    # The longer a start takes, the fewer are killed at work; one at least is made so here.
    if not killed:
        (folder / "half" / "restoring").mkdir(parents=True)
        code, complaint = await run("serve", "--data", folder / "half", "--listen", "http://127.0.0.1:0")
        assert code == 2 and "restore" in complaint, f"exit code {code}: {complaint}"


async def main():
    task = asyncio.current_task()
    for number in [signal.SIGINT, signal.SIGTERM]:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    failures = 1
    try:
        failures = await story.tell()
    finally:
        for sender in senders:
            sender.cancel()
        await server.dispose(failures > 0)
        await restored.dispose(failures > 0)
        shutil.rmtree(folder)
    return 1 if failures else 0


sys.exit(asyncio.run(main()))
