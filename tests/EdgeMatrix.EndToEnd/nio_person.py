"""A person with matrix-nio in hand: one client that syncs for ever, and what it was told; without encryption unless it is asked for."""

import asyncio
import tempfile
import uuid

import aiohttp
import nio

from story import until

SYNC_FILTER = {"room": {"timeline": {"limit": 20}}}
SYNC_MILLISECONDS = 5000


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, response):
        super().__init__(repr(response))
        self.code = response.status_code
        self.passing = response.transport_response.status >= 500


class Person:
    def __init__(self, base_url, name, password, encrypted=False):
        # An unanswered request is made again, with its transaction ID, until the server is back.
        config = nio.AsyncClientConfig(max_timeout_retry_wait_time=0.5, encryption_enabled=encrypted)
        self.keys = tempfile.TemporaryDirectory(prefix="edgematrix-nio-") if encrypted else None
        self.client = nio.AsyncClient(base_url, name, store_path=self.keys.name if encrypted else "", config=config)
        self.password = password
        self.events = {}
        # What could not be decrypted when it came: event ID to event.
        self.unreadable = {}
        self.duplicates = {}
        self.invitations = {}
        # Where the next sync begins: nothing before it is unheard, not even by a callback that was cancelled.
        self.since = None
        self._syncing = None
        self.client.add_response_callback(self._synced, nio.SyncResponse)

    @classmethod
    async def register(cls, base_url, name, encrypted=False):
        person = cls(base_url, name, f"secret of {name}", encrypted)
        try:
            await asked(person.client.register(name, person.password, f"{name}'s laptop"))
        except BaseException:
            await person.client.close()
            raise
        return person

    async def on_new_device(self):
        """The same account, logged in once more."""
        return await Person.log_in(self.client.homeserver, self.user_id, self.password, self.keys is not None)

    @classmethod
    async def log_in(cls, base_url, name, password, encrypted=False):
        person = cls(base_url, name, password, encrypted)
        try:
            await asked(person.client.login(password, "another device"))
        except BaseException:
            await person.client.close()
            raise
        return person

    @property
    def user_id(self):
        return self.client.user_id

    async def start_syncing(self):
        """Syncs for ever in the background, from where the last sync ended; returns when a first sync has been heard."""
        self._syncing = asyncio.create_task(self._sync_forever())
        await until(f"the first sync of {self.user_id}", lambda: self.since or self._syncing.done())
        if self._syncing.done():
            self._syncing.result()

    async def _sync_forever(self):
        while True:
            try:
                await self.client.sync_forever(
                    SYNC_MILLISECONDS, SYNC_FILTER, since=self.since, first_sync_filter=SYNC_FILTER)
                return
            except aiohttp.ClientPayloadError:
                # The server died in the middle of an answer, which nio does not retry.
                await asyncio.sleep(0.1)

    async def stop_syncing(self):
        if self._syncing:
            self._syncing.cancel()
            await asyncio.gather(self._syncing, return_exceptions=True)
            self._syncing = None

    async def close(self):
        await self.stop_syncing()
        await self.client.close()
        if self.keys:
            self.keys.cleanup()

    async def _synced(self, response):
        for room_id, info in response.rooms.invite.items():
            self.invitations[room_id] = [event.source for event in info.invite_state]
        for room_id, info in [*response.rooms.join.items(), *response.rooms.leave.items()]:
            self.invitations.pop(room_id, None)
            known = self.events.setdefault(room_id, [])
            known_ids = {event["event_id"] for event in known}
            gap = await self._gap_before(room_id, info.timeline.prev_batch, known_ids) if info.timeline.limited else []
            for parsed in [*gap, *info.timeline.events]:
                event = parsed.source
                if isinstance(parsed, nio.MegolmEvent):
                    self.unreadable[event["event_id"]] = parsed
                if event["event_id"] in known_ids:
                    self.duplicates.setdefault(room_id, []).append(event["event_id"])
                known_ids.add(event["event_id"])
                known.append(event)
        self.since = response.next_batch

    async def _gap_before(self, room_id, prev_batch, known_ids):
        """Pages back from a limited timeline to the newest event known."""
        gap = []
        async for event in self._pages(room_id, nio.MessageDirection.back, prev_batch):
            if event.event_id in known_ids:
                break
            gap.insert(0, event)
        return gap

    async def pages(self, room_id, direction, start, limit=37):
        """Every event from a token on, page by page."""
        async for event in self._pages(room_id, direction, start, limit):
            yield event.source

    async def _pages(self, room_id, direction, start, limit=37):
        while start:
            page = await asked(self.client.room_messages(room_id, start, direction=direction, limit=limit))
            for event in page.chunk:
                yield event
            start = page.end if page.chunk else None

    async def whole_history(self, room_id):
        """The room's whole timeline, oldest first: what the first sync of a new device tells, and all pages before it."""
        newcomer = await self.on_new_device()
        try:
            first = await asked(newcomer.client.sync(sync_filter=SYNC_FILTER))
            timeline = first.rooms.join[room_id].timeline
            before = [event async for event in newcomer.pages(room_id, nio.MessageDirection.back, timeline.prev_batch)]
            await asked(newcomer.client.logout())
            return [*reversed(before), *(event.source for event in timeline.events)]
        finally:
            await newcomer.close()

    async def says(self, room_id, body, **more):
        """Says something; returns the event ID."""
        return await self.sends(room_id, "m.room.message", {"msgtype": "m.text", "body": body, **more})

    async def sends(self, room_id, event_type, content, transaction_id=None):
        transaction_id = transaction_id or str(uuid.uuid4())
        while True:
            try:
                return (await asked(self.client.room_send(
                    room_id, event_type, content, transaction_id, ignore_unverified_devices=True))).event_id
            except (aiohttp.ClientPayloadError, Refused) as error:
                # nio does not retry where the server died in the middle of its answer, nor where a proxy says that it is gone.
                if isinstance(error, Refused) and not error.passing:
                    raise
                await asyncio.sleep(0.1)

    async def sees(self, room_id, event_id):
        """The event, once it has come down this person's sync."""
        return await until(f"{self.user_id} to see {event_id}", lambda: next(
            (event for event in self.events.get(room_id, []) if event["event_id"] == event_id), None))

    async def reads(self, room_id, event_id, seconds=15):
        """What an encrypted event says, once it has come down this person's sync, and the key to it, too."""
        event = await self.sees(room_id, event_id)
        if event_id not in self.unreadable:
            return event

        def decrypted():
            try:
                return self.client.decrypt_event(self.unreadable[event_id]).source
            except nio.EncryptionError:
                return None

        return await until(f"{self.user_id} to have the key to {event_id}", decrypted, seconds)

    async def sees_membership(self, room_id, user_id, membership):
        """The newest membership event of a member, once it is the one waited for."""

        def newest():
            events = [event for event in self.events.get(room_id, [])
                      if event["type"] == "m.room.member" and event["state_key"] == user_id]
            return events and events[-1]["content"]["membership"] == membership and events[-1]

        return await until(f"{self.user_id} to see {user_id} as {membership}", newest)

    async def sees_invitation(self, room_id):
        """The stripped state of an invitation."""
        return await until(f"{self.user_id} to be invited to {room_id}", lambda: self.invitations.get(room_id))

    @property
    def rooms(self):
        return self.client.rooms


async def asked(request):
    """The answer to a request; raises Refused where it is an error."""
    response = await request
    if isinstance(response, nio.ErrorResponse):
        raise Refused(response)
    return response
