"""The mail server is down while mails are promised, and the server is killed in the middle of that and of handing them over: each is sent at least once.

Usage: /usr/bin/python3 mail_story.py COMMAND [ARGUMENT]...   (the command that runs edgematrix)
"""

import asyncio
import email
import json
import signal
import sys
import urllib.error
import urllib.request

from homeserver import Homeserver, free_port
from story import Story, until

MAILS = 60

story = Story("mail")
port = free_port()
server = Homeserver(sys.argv[1:], more=[
    "--set", f'email.smtp="127.0.0.1:{port}"', "--set", 'server.public_baseurl="https://test.local"'])
promised = []


class Relay:
    """Takes mails by SMTP, or while it is down turns everybody away."""

    is_down = True
    mails = []  # (recipient, Message-ID) in the order in which they were taken
    refused = 0
    taken = None  # called after each

    @classmethod
    async def converse(cls, reader, writer):
        async def say(line):
            writer.write(line.encode() + b"\r\n")
            await writer.drain()

        try:
            if cls.is_down:
                cls.refused += 1
                await say("421 come back later")
                return
            await say("220 relay")
            recipient = None
            while line := (await reader.readline()).decode().strip():
                command = line.split(":")[0].split(" ")[0].upper()
                if command == "RCPT":
                    recipient = line[line.index("<") + 1:line.index(">")]
                if command == "DATA":
                    await say("354 go on")
                    text = (await reader.readuntil(b"\r\n.\r\n")).decode()
                    cls.mails.append((recipient, email.message_from_string(text)["Message-ID"]))
                    if cls.taken:
                        cls.taken()
                await say("221 bye" if command == "QUIT" else "250 ok")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @classmethod
    def recipients(cls):
        return {recipient for recipient, _ in cls.mails}


def ask(address):
    body = {"client_secret": "secret", "email": address, "send_attempt": 1}
    request = urllib.request.Request(
        server.base_url + "/_matrix/client/v3/account/3pid/email/requestToken", json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["sid"]


async def promise(numbers):
    for number in numbers:
        address = f"user{number}@example.org"
        await asyncio.to_thread(ask, address)
        promised.append(address)


@story.step("the server starts, and finds that the mail server takes nothing")
async def _():
    global relay
    relay = await asyncio.start_server(Relay.converse, "127.0.0.1", port)
    await server.start()
    await promise(range(MAILS))
    await until("a mail to be turned away", lambda: Relay.refused)


@story.step("mails are promised, and kill -9 falls in the middle")
async def _():
    promising = asyncio.create_task(promise(range(MAILS, 10 * MAILS)))
    await until("more to be promised", lambda: len(promised) > MAILS + 10)
    await server.kill()
    try:
        await promising
    except (OSError, urllib.error.URLError):
        pass
    assert not Relay.mails


@story.step("the mail server is back, and kill -9 falls each time that it has taken some more")
async def _():
    Relay.is_down = False
    for round in range(3):
        before = len(Relay.mails)
        dying = []
        # At the moment at which it has the mail and has not said so.
        Relay.taken = lambda: dying.append(server.kill()) if len(Relay.mails) == before + 5 else None
        await server.start()
        await until("five more mails", lambda: dying)
        await dying[0]
    Relay.taken = None


@story.step("every mail that was promised arrives, and twice only what was handed over as the server died")
async def _():
    await server.start()
    await until("all mails", lambda: set(promised) <= Relay.recipients(), seconds=45)
    again = len(Relay.mails) - len(set(Relay.mails))
    assert again <= 3, f"{again} mails came twice"
    assert len(Relay.recipients()) == len(set(Relay.mails)), "a mail was written anew"


@story.step("the server stops in good order")
async def _():
    assert await server.stop() == 0
    relay.close()


async def main():
    task = asyncio.current_task()
    for number in [signal.SIGINT, signal.SIGTERM]:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    failures = 1
    try:
        failures = await story.tell()
    finally:
        await server.dispose(failures > 0)
    return 1 if failures else 0


sys.exit(asyncio.run(main()))
