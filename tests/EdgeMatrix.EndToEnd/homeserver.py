"""The homeserver under test: a process of its own, on a free loopback port and a data directory that outlives it."""

import asyncio
import os
import pathlib
import shutil
import signal
import socket
import tempfile

from story import remark

READY_SECONDS = 60
STOP_SECONDS = 10


class Homeserver:
    def __init__(self, command, more=(), name="test.local"):
        """`command`: the executable and its leading arguments, e.g. ["dotnet", "edgematrix.dll"]. `more`: further arguments of `serve`."""
        self.command = command
        self.name = name
        self.more = more
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="edgematrix-e2e-"))
        self.log = self.directory / "server.log"
        self.port = int(os.environ.get("EDGEMATRIX_TEST_PORT") or free_port())
        self.process = None

    @property
    def base_url(self):
        """Where clients go: the server, or the recording proxy in front of it that EDGEMATRIX_TEST_CLIENT_URL names."""
        return os.environ.get("EDGEMATRIX_TEST_CLIENT_URL") or f"http://127.0.0.1:{self.port}"

    async def start(self):
        """Starts, or starts again on the same data and port; returns when the server says that it is ready."""
        with open(self.log, "ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, "serve", "--data", str(self.directory / "data"), "--server-name", self.name,
                "--listen", f"http://127.0.0.1:{self.port}", "--set", "registration.open=true", "--set", "limits.rate=off",
                *self.more,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log)
        try:
            await asyncio.wait_for(self._ready(), READY_SECONDS)
        except asyncio.TimeoutError:
            raise RuntimeError(f"the server was not ready after {READY_SECONDS} s\n{self._log_tail()}") from None

    async def _ready(self):
        stdout = self.process.stdout
        async for line in stdout:
            if line.startswith(b"ready "):
                self.drain = asyncio.create_task(stdout.read())
                return
        raise RuntimeError(f"the server ended with {await self.process.wait()}\n{self._log_tail()}")

    def kill(self):
        """kill -9: the signal is on its way when this returns; await the result to see the process gone."""
        self.process.send_signal(signal.SIGKILL)
        return self.process.wait()

    async def stop(self):
        """SIGTERM; returns the exit code, and raises if the server is still there after the ten seconds that it has."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except asyncio.TimeoutError:
            await self.kill()
            raise RuntimeError(f"the server was still running {STOP_SECONDS} s after SIGTERM\n{self._log_tail()}") from None

    async def dispose(self, failed):
        """Ends the server if it still runs. Removes its data, or where something failed keeps it and says where."""
        if self.process and self.process.returncode is None:
            await self.kill()
        if failed:
            remark(f"data and log of the server: {self.directory}\n{self._log_tail()}")
        else:
            shutil.rmtree(self.directory)

    def _log_tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
