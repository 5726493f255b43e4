"""A story: named steps told in order. Prints `1..N`, then one `ok NAME` or `not ok NAME` for each step, whatever happens."""

import asyncio
import time
import traceback

STEP_SECONDS = 60
LOG_LINES = 15


class Story:
    def __init__(self, name, logs=()):
        """`logs`: files whose last lines are told of where a step fails."""
        self.name = name
        self.logs = logs
        self.steps = []

    def step(self, name, seconds=STEP_SECONDS):
        """Adds a step. One that raises, or takes longer than `seconds`, is `not ok`; the next one is tried all the same."""

        def add(action):
            self.steps.append((f"{self.name}: {name}", action, seconds))
            return action

        return add

    async def tell(self):
        """Tells the story; returns how many steps failed."""
        failures = 0
        print(f"1..{len(self.steps)}", flush=True)
        for name, action, seconds in self.steps:
            sizes = {log: log.stat().st_size if log.exists() else 0 for log in self.logs}
            try:
                await asyncio.wait_for(action(), seconds)
                print(f"ok {name}", flush=True)
            except Exception:
                failures += 1
                print(f"not ok {name}", flush=True)
                remark(traceback.format_exc(limit=-3))
                for log, size in sizes.items():
                    remark(f"{log}:\n" + "\n".join(written_since(log, size)[-LOG_LINES:]))
        return failures


def written_since(log, size):
    """The lines of a log after its first `size` bytes."""
    if not log.exists():
        return []
    with open(log, "rb") as file:
        file.seek(size)
        return file.read().decode(errors="replace").splitlines()


def remark(text):
    """Adds lines to the report that count for nothing."""
    for line in text.rstrip().splitlines():
        print(f"#   {line}", flush=True)


async def until(what, predicate, seconds=15):
    """Waits until `predicate` gives something true, and returns it; what it was waiting for is in the error."""
    deadline = time.monotonic() + seconds
    while True:
        found = predicate()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s in vain for: {what}")
        await asyncio.sleep(0.02)
