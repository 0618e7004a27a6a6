"""A server with nothing but the control plane's way of handing out events, fed as fast as its clients take them.

Started by the bench `http`: the journal in front of it has a bench of its own, and would hide what this costs. Prints
`ready`, serves one Unix socket, and after `go` on stdin hands out so many events to so many clients.
"""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from roost.core.event_entry import Entry
from roost.core.events import Event, EventFilter
from roost.daemon.bus import EventBus
from roost.daemon.http import asgi
from roost.daemon.http.event_ring import KEPT, EventRing
from roost.daemon.http.events import _Client
from roost.daemon.http.output import EVENTS
from roost.daemon.http.stack import Http

_BATCH = 500


class _Log:
    """An event log whose events are durable at once."""

    settled = (1, 0)

    def add(self, _receiver: Any) -> None:
        """Fed by hand."""

    remove = add


async def serve(path: str, clients: int, count: int) -> None:
    """Hand out `count` events to `clients` clients."""
    loop = asyncio.get_running_loop()
    log: Any = _Log()
    ring = EventRing(loop, EventBus(1), log)
    world: Any = SimpleNamespace(counters=SimpleNamespace(events_sent=0))
    readers: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        client = _Client(world, ring, log, EventFilter(), 60.0)
        ring.join()
        await asgi.begin(send, EVENTS)
        readers.append(client)
        await client.stream(None, send)

    config = Config(app, lifespan="off", log_config=None, access_log=False, interface="asgi3")
    config.load()
    state = ServerState()
    server = await loop.create_unix_server(lambda: Http(config, state, {}, _loop=loop), path)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    while len(readers) < clients:
        await asyncio.sleep(0.01)
    data = {"command": "make -j8 test", "cwd": "/home/user/project", "n": 1}
    event = Event(1, 1, 1.0, "shell", "command_started", "s-abcdefghij", "build", "bench", data)
    line = Entry.of(event).line
    seq = 0
    while seq < count:
        batch = range(seq + 1, min(seq + _BATCH, count) + 1)
        ring.offer([Entry((1, n), event.category, event.type, event.session_id, line) for n in batch])
        seq = batch[-1]
        while seq - min(reader._at[1] for reader in readers) > KEPT // 2:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.to_thread(sys.stdin.readline)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
