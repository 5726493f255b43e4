"""A stretch of network between two servers, which can be cut and mended: a loopback port that leads to another."""

import asyncio


class Link:
    def __init__(self, port, target):
        """`port`: where it listens, whatever becomes of the server behind it. `target`: the port of that server."""
        self.port = port
        self.target = target
        self.whole = True
        self._listener = None
        self._connections = set()

    async def open(self):
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    def cut(self):
        """Ends every connection, and each new one at once."""
        self.whole = False
        for writer in self._connections:
            writer.transport.abort()

    def mend(self):
        self.whole = True

    async def close(self):
        self.cut()
        if self._listener:
            self._listener.close()
            await self._listener.wait_closed()

    async def _accept(self, reader, writer):
        ends = [writer]
        self._connections.add(writer)
        try:
            if not self.whole:
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            ends.append(far_writer)
            self._connections.add(far_writer)
            if self.whole:
                await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))
        except OSError:
            # One of both ends is gone, or nobody listens at the far one.
            pass
        finally:
            for end in ends:
                self._connections.discard(end)
                end.transport.abort()


async def carry(reader, writer):
    """Everything that comes from one, to the other, until its end."""
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
