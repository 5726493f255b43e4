"""A person with matrix-nio who does what another program says: one JSON request a line on standard input,
one JSON answer a line on standard output. Ends when its input does.

Usage: /usr/bin/python3 nio_peer.py BASE_URL NAME [encrypted]
"""

import asyncio
import json
import sys

import nio

from nio_person import Person, asked
from story import until


class Peer:
    """What can be asked for: each public method is a request, its parameters by name."""

    def __init__(self, base_url, name, mode=None):
        self.base_url = base_url
        self.name = name
        self.encrypted = mode == "encrypted"
        self.person = None

    async def register(self):
        return await self._begin(await Person.register(self.base_url, self.name, self.encrypted))

    async def log_in(self, password):
        """The same account on another device."""
        return await self._begin(await Person.log_in(self.base_url, self.name, password, self.encrypted))

    async def _begin(self, person):
        self.person = person
        person.client.add_to_device_callback(self._verifying, nio.KeyVerificationEvent)
        await person.start_syncing()
        return person.user_id

    async def log_out(self):
        await self.person.stop_syncing()
        await asked(self.person.client.logout())

    async def create_room(self, **options):
        return (await asked(self.person.client.room_create(**options))).room_id

    async def join(self, room_id):
        return (await asked(self.person.client.join(room_id))).room_id

    async def sees_invitation(self, room_id):
        return await self.person.sees_invitation(room_id)

    async def sees_membership(self, room_id, user_id, membership):
        return await self.person.sees_membership(room_id, user_id, membership)

    async def sends(self, room_id, type, content, transaction_id=None):
        return await self.person.sends(room_id, type, content, transaction_id)

    async def sees(self, room_id, event_id):
        return await self.person.sees(room_id, event_id)

    async def reads(self, room_id, event_id):
        return await self.person.reads(room_id, event_id)

    async def device_id(self):
        return self.person.client.device_id

    async def knows_device(self, user_id, device_id):
        await until(f"{user_id}'s device to be known", lambda: self._device(user_id, device_id))

    async def starts_verifying(self, user_id, device_id):
        """Begins to compare emoji with a device of the same person, who accepts at once."""
        await asked(self.person.client.start_key_verification(self._device(user_id, device_id)))

    async def shown_emoji(self):
        """What both have to see, once the devices have agreed."""
        await until("the emoji to be agreed on", lambda: any(
            sas.other_key_set for sas in self.person.client.key_verifications.values()))
        return [description for _, description in self._verification().get_emoji()]

    async def confirms_emoji(self):
        await asked(self.person.client.confirm_short_auth_string(self._verification().transaction_id))

    async def is_verified(self, user_id, device_id):
        await until(f"{user_id}'s device to be verified", lambda: self._device(user_id, device_id).verified)

    async def asks_for_key(self, event_id):
        """Asks this person's other devices for the key to an event that could not be decrypted."""
        await asked(self.person.client.request_room_key(self.person.unreadable[event_id]))

    def _device(self, user_id, device_id):
        return self.person.client.device_store[user_id].get(device_id)

    def _verification(self):
        return next(iter(self.person.client.key_verifications.values()))

    async def _verifying(self, event):
        if isinstance(event, nio.KeyVerificationStart):
            await asked(self.person.client.accept_key_verification(event.transaction_id))

    async def redacts(self, room_id, event_id):
        return (await asked(self.person.client.room_redact(room_id, event_id))).event_id

    async def types(self, room_id):
        await asked(self.person.client.room_typing(room_id, True, 20000))

    async def sees_typing(self, room_id, user_id):
        await until(f"{user_id} to type", lambda: user_id in self.person.rooms[room_id].typing_users)

    async def marks_read(self, room_id, event_id):
        await asked(self.person.client.update_receipt_marker(room_id, event_id))

    async def sees_receipt(self, room_id, user_id, event_id):
        receipts = self.person.rooms[room_id].read_receipts
        await until(f"{user_id} to read {event_id}", lambda: user_id in receipts and receipts[user_id].event_id == event_id)

    async def sees_name(self, room_id, user_id, name):
        await until(f"{user_id} to be called {name}", lambda: self.person.rooms[room_id].user_name(user_id) == name)

    async def told(self, room_id):
        """Every event ID of the room, in the order of its telling, and those told twice."""
        return {"events": [event["event_id"] for event in self.person.events[room_id]],
                "duplicates": self.person.duplicates.get(room_id, [])}

    async def history(self, room_id):
        """The room's timeline as a new device reads it."""
        return await self.person.whole_history(room_id)


async def main():
    loop = asyncio.get_running_loop()
    peer = Peer(*sys.argv[1:])
    requests = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)

    async def answer(line):
        request = json.loads(line)
        try:
            result = {"result": await getattr(peer, request["do"])(**request["with"])}
        except Exception as error:
            result = {"error": repr(error)}
        print(json.dumps({"id": request["id"], **result}), flush=True)

    answers = set()
    try:
        async for line in requests:
            answers.add(asyncio.create_task(answer(line)))
    finally:
        if peer.person:
            await peer.person.close()


asyncio.run(main())
