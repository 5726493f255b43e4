"""An application service is down while people talk, and the server is killed meanwhile: it is told everything, once, in order.

Usage: /usr/bin/python3 bridge_story.py COMMAND [ARGUMENT]...   (the command that runs edgematrix)
"""

import asyncio
import http.server
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import urllib.error
import urllib.request

from homeserver import Homeserver, free_port
from story import Story, until

MESSAGES = 150

story = Story("bridge")
folder = pathlib.Path(tempfile.mkdtemp(prefix="edgematrix-bridge-"))
port = free_port()
registration = folder / "irc.yaml"
registration.write_text(rf"""# As a bridge writes it.
id: irc
url: http://127.0.0.1:{port}
as_token: "as-secret"
hs_token: "hs-secret"
sender_localpart: ircbot
namespaces:
  users:
  - exclusive: true
    regex: '@_irc_.*:test\.local'
  aliases: []
rate_limited: false
receive_ephemeral: true
""")
server = Homeserver(sys.argv[1:], more=["--set", f'appservices=["{registration}"]'])
token = room = None
acknowledged = []


class Bridge(http.server.BaseHTTPRequestHandler):
    """Takes transactions, or while it is down refuses them."""

    is_down = False
    attempts = {}  # transaction id -> the bodies that came under it
    taken = set()  # transaction ids
    told = []  # event ids, in the order in which they were taken

    def do_PUT(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.split("?")[0]
        allowed = self.headers.get("Authorization") == "Bearer hs-secret" and path.startswith("/_matrix/app/v1/transactions/")
        if allowed:
            transaction = path.rsplit("/", 1)[-1]
            self.attempts.setdefault(transaction, set()).add(body)
            if not self.is_down and transaction not in self.taken:
                self.taken.add(transaction)
                self.told.extend(event["event_id"] for event in json.loads(body)["events"])
        self.send_response(500 if self.is_down else 200 if allowed else 404)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET = do_PUT

    def log_message(self, *_):
        pass


bridge = http.server.ThreadingHTTPServer(("127.0.0.1", port), Bridge)


def ask(method, path, body=None, bearer=None):
    request = urllib.request.Request(
        server.base_url + path, None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {bearer or token}"} if bearer or token else {}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


async def send(numbers):
    for number in numbers:
        path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/t{number}"
        answer = await asyncio.to_thread(ask, "PUT", path, {"msgtype": "m.text", "body": f"message {number}"})
        acknowledged.append(answer["event_id"])


@story.step("the server starts with a registration, and its user joins a room")
async def _():
    global token, room
    threading.Thread(target=bridge.serve_forever, daemon=True).start()
    await server.start()
    account = {"username": "alice", "password": "correct horse 9", "auth": {"type": "m.login.dummy"}}
    token = (await asyncio.to_thread(ask, "POST", "/_matrix/client/v3/register", account))["access_token"]
    created = await asyncio.to_thread(ask, "POST", "/_matrix/client/v3/createRoom", {"invite": ["@ircbot:test.local"]})
    room = created["room_id"]
    await asyncio.to_thread(ask, "POST", f"/_matrix/client/v3/join/{room}?user_id=@ircbot:test.local", {}, "as-secret")
    await until("the bridge to be told of the room", lambda: Bridge.told)


@story.step("while the bridge is down people talk, and kill -9 falls in the middle")
async def _():
    Bridge.is_down = True
    await send(range(MESSAGES))
    await until("a transaction to be refused", lambda: len(Bridge.attempts) > len(Bridge.taken))
    sending = asyncio.create_task(send(range(MESSAGES, 10 * MESSAGES)))
    await until("more to be sent", lambda: len(acknowledged) > MESSAGES + 10)
    await server.kill()
    try:
        await sending
    except (OSError, urllib.error.URLError):
        pass
    await server.start()


@story.step("the bridge comes back, and is told every acknowledged message once, in order")
async def _():
    Bridge.is_down = False
    await until("the last message to be told", lambda: acknowledged[-1] in Bridge.told, seconds=45)
    assert len(Bridge.told) == len(set(Bridge.told)), "an event was told twice"
    wanted = set(acknowledged)
    assert [event for event in Bridge.told if event in wanted] == acknowledged


@story.step("a transaction is the same to the byte, however often it was sent and whether the server died between")
async def _():
    assert max(len(bodies) for bodies in Bridge.attempts.values()) == 1


@story.step("the server stops in good order")
async def _():
    assert await server.stop() == 0
    bridge.shutdown()


async def main():
    task = asyncio.current_task()
    for number in [signal.SIGINT, signal.SIGTERM]:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    failures = 1
    try:
        failures = await story.tell()
    finally:
        await server.dispose(failures > 0)
        shutil.rmtree(folder)
    return 1 if failures else 0


sys.exit(asyncio.run(main()))
