"""A user of any homeserver by plain requests: everything that the API can ask, and all that the sync of one device was told."""

import asyncio
import itertools
import json
import urllib.parse

import aiohttp

from story import until

SYNC_MILLISECONDS = 10000
REQUEST_SECONDS = 45
SYNC_FILTER = json.dumps({"room": {"timeline": {"limit": 1000}}})
transactions = itertools.count()


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, request, status, code, text):
        super().__init__(f"{request}: {status} {code} {text}")
        self.status = status
        self.code = code


class Room:
    """What the sync told of a room."""

    def __init__(self):
        self.timeline = []
        self.state = {}
        self.ephemeral = {}
        self.gaps = 0

    def ids(self):
        return [event["event_id"] for event in self.timeline]


class User:
    def __init__(self, base_url, name):
        self.base_url = base_url
        self.name = name
        self.user_id = self.token = self.device_id = self.since = None
        # By room ID: those joined or left, the stripped states of invitations and knocks, and where the user is in or out.
        self.rooms = {}
        self.invitations = {}
        self.knocks = {}
        self.within = {}
        self.presence = {}
        self.to_device = []
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS))
        self._syncing = None

    @classmethod
    async def register(cls, server, name):
        user = cls(server.base_url, name)
        try:
            made = await user.ask("POST", "/v3/register", {
                "username": name, "password": f"secret of {name}", "auth": {"type": "m.login.dummy"}})
            user.user_id, user.token, user.device_id = made["user_id"], made["access_token"], made["device_id"]
        except BaseException:
            await user.close()
            raise
        return user

    @property
    def server_name(self):
        return self.user_id.split(":", 1)[1]

    async def close(self):
        await self.stop_syncing()
        await self._session.close()

    async def ask(self, method, path, body=None, /, raw=False, **query):
        """The JSON of a request below /_matrix/client; `raw`: the type and bytes of whatever it is. Raises Refused where it is an error."""
        return await self._ask(method, "/_matrix/client" + path, body, raw, query, {})

    async def _ask(self, method, path, body, raw, query, headers):
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        url = self.base_url + path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")
        async with self._session.request(method, url, data=body, headers=headers) as answer:
            content = await answer.read()
            if answer.status >= 400:
                try:
                    error = json.loads(content)
                except ValueError:
                    error = {"error": content[:200]}
                raise Refused(f"{self.user_id}: {method} {path}", answer.status, error.get("errcode"), error.get("error"))
            return (answer.headers.get("Content-Type"), content) if raw else json.loads(content)

    # What the user does

    async def creates(self, version, **options):
        return (await self.ask("POST", "/v3/createRoom", {"room_version": version, **options}))["room_id"]

    async def joins(self, room, via=()):
        """Joins by ID or alias; `via`: the names of servers that are in it."""
        servers = {"via": list(via), "server_name": list(via)} if via else {}
        return (await self.ask("POST", f"/v3/join/{quote(room)}", {}, **servers))["room_id"]

    async def knocks_on(self, room, via):
        return (await self.ask("POST", f"/v3/knock/{quote(room)}", {"reason": "Let me in"}, via=via, server_name=via))["room_id"]

    async def acts(self, room, action, user=None, **more):
        """invite, kick, ban or unban somebody, or leave."""
        await self.ask("POST", f"/v3/rooms/{quote(room)}/{action}", {**more, **({"user_id": user.user_id} if user else {})})

    async def sends(self, room, event_type, content):
        return (await self.ask("PUT", f"/v3/rooms/{quote(room)}/send/{event_type}/t{next(transactions)}", content))["event_id"]

    async def says(self, room, body):
        return await self.sends(room, "m.room.message", {"msgtype": "m.text", "body": body})

    async def sets(self, room, event_type, content, key=""):
        return (await self.ask("PUT", f"/v3/rooms/{quote(room)}/state/{event_type}/{quote(key)}", content))["event_id"]

    async def redacts(self, room, event_id, reason="Oops"):
        path = f"/v3/rooms/{quote(room)}/redact/{quote(event_id)}/t{next(transactions)}"
        return (await self.ask("PUT", path, {"reason": reason}))["event_id"]

    async def event(self, room, event_id):
        return await self.ask("GET", f"/v3/rooms/{quote(room)}/event/{quote(event_id)}")

    async def state(self, room):
        """The whole state now: type and state key to event."""
        return {(event["type"], event["state_key"]): event for event in await self.ask("GET", f"/v3/rooms/{quote(room)}/state")}

    async def history(self, room, limit=20):
        """The whole timeline that the user may see, oldest first, page by page from its end."""
        events, token = [], {}
        while True:
            page = await self.ask("GET", f"/v3/rooms/{quote(room)}/messages", dir="b", limit=limit, **token)
            events += page["chunk"]
            if not page.get("end"):
                return events[::-1]
            token = {"from": page["end"]}

    async def uploads(self, content, kind, name="file"):
        answer = await self._ask("POST", "/_matrix/media/v3/upload", content, False, {"filename": name}, {"Content-Type": kind})
        return answer["content_uri"]

    # What the user is told

    async def start_syncing(self):
        """Syncs for ever in the background, also over the death of the server; returns when a first sync has been heard."""
        self._syncing = asyncio.create_task(self._sync())
        await until(f"the first sync of {self.user_id}", lambda: self.since or self._syncing.done(), 30)
        if self._syncing.done():
            self._syncing.result()

    async def stop_syncing(self):
        if self._syncing:
            self._syncing.cancel()
            await asyncio.gather(self._syncing, return_exceptions=True)
            self._syncing = None

    async def _sync(self):
        while True:
            since = {"since": self.since, "timeout": SYNC_MILLISECONDS} if self.since else {}
            try:
                answer = await self.ask("GET", "/v3/sync", filter=SYNC_FILTER, set_presence="offline", **since)
            except (aiohttp.ClientError, asyncio.TimeoutError):
                await asyncio.sleep(0.1)
                continue
            self._hear(answer)
            self.since = answer["next_batch"]

    def _hear(self, answer):
        rooms = answer.get("rooms", {})
        for room_id, told in rooms.get("invite", {}).items():
            self.invitations[room_id] = told["invite_state"]["events"]
        for room_id, told in rooms.get("knock", {}).items():
            self.knocks[room_id] = told["knock_state"]["events"]
        for section in ["join", "leave"]:
            for room_id, told in rooms.get(section, {}).items():
                self.invitations.pop(room_id, None)
                self.knocks.pop(room_id, None)
                self.within[room_id] = section == "join"
                room = self.rooms.setdefault(room_id, Room())
                timeline = told.get("timeline", {})
                room.gaps += bool(timeline.get("limited"))
                room.timeline += timeline.get("events", [])
                for event in [*told.get("state", {}).get("events", []), *timeline.get("events", [])]:
                    if "state_key" in event:
                        room.state[event["type"], event["state_key"]] = event
                for event in told.get("ephemeral", {}).get("events", []):
                    if event["type"] == "m.receipt":
                        for event_id, receipts in event["content"].items():
                            for user_id in receipts.get("m.read", {}):
                                room.ephemeral["m.receipt", user_id] = event_id
                    else:
                        room.ephemeral[event["type"]] = event["content"]
        for event in answer.get("presence", {}).get("events", []):
            self.presence[event["sender"]] = event["content"]
        self.to_device += answer.get("to_device", {}).get("events", [])

    async def sees(self, room, event_id, seconds=15):
        """The event, once it has come down the sync."""
        return await until(f"{self.user_id} to see {event_id}", lambda: next(
            (event for event in self.room(room).timeline if event["event_id"] == event_id), None), seconds)

    async def sees_state(self, room, event_type, key, **content):
        """The current state event, once it has those fields in its content."""
        def current():
            event = self.room(room).state.get((event_type, key))
            return event and all(event["content"].get(name) == value for name, value in content.items()) and event

        return await until(f"{self.user_id} to see {event_type} {key} with {content} in {room}", current)

    async def sees_member(self, room, user, membership):
        return await self.sees_state(room, "m.room.member", user.user_id, membership=membership)

    async def sees_invitation(self, room):
        """The stripped state of an invitation."""
        return await until(f"{self.user_id} to be invited to {room}", lambda: self.invitations.get(room))

    def room(self, room_id):
        return self.rooms.get(room_id) or Room()


def quote(text):
    return urllib.parse.quote(text, safe="")
