"""A pipe session, child to one attached lossless C client, against `cat | cat` of the same file.

Both streams: the child writes the file to stdout and to stderr at once, each read by its own client.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from bench import hosts, lightwire
from bench.context import Context
from bench.report import Row, at_least, compared
from bench.roost_host import RoostHost
from bench.stats import alternate

_GATED = {
    ("stdout",): 'read go; exec cat "$0"',
    ("stdout", "stderr"): 'read go; cat "$0" & cat "$0" >&2; wait',
}


def _session(context: Context, roost: RoostHost, data: Path, streams: tuple[str, ...]) -> float:
    """MB/s delivered on all streams together, from the go to the last client's end."""
    target = roost.open(["/bin/sh", "-c", _GATED[streams], str(data)], pipe=True)
    watches = []
    for stream in streams:
        client, out = roost.view(lightwire.attach(target, stream=stream, mode="view", lossless=True))
        watches.append(hosts.Watch(context, client, out, host=None))
    start = time.monotonic_ns()
    with roost.connect() as connection:
        connection.call("sessions.send", {"target": target, "enter": False}, b"\n")
    results = [watch.finish() for watch in watches]
    size = data.stat().st_size
    for result in results:
        if result["bytes"] != size:
            raise RuntimeError(f"delivered {result['bytes']} of {size} bytes")
    with roost.connect() as connection:
        connection.call("sessions.purge", {})
    return float(size * len(streams) / (max(result["last_ns"] for result in results) - start) * 1e3)


def _cat_cat(context: Context, data: Path) -> float:
    start = time.monotonic_ns()
    first = context.start(["cat", str(data)], stdout=subprocess.PIPE)
    second = context.start(["cat"], stdin=first.stdout, stdout=subprocess.DEVNULL)
    assert first.stdout is not None
    first.stdout.close()
    second.wait(60)
    elapsed = time.monotonic_ns() - start
    context.end(first)
    context.end(second)
    return data.stat().st_size / elapsed * 1e3


def run(context: Context) -> list[Row]:
    data = context.path("data")
    block = bytes(range(256)) * 4096
    with open(data, "wb") as file:
        for _ in range(context.choose(512, 128)):
            file.write(block)
    with RoostHost(context) as roost:
        rates = alternate(
            context.choose(5, 3),
            {
                "cat": lambda: _cat_cat(context, data),
                "one": lambda: _session(context, roost, data, ("stdout",)),
                "both": lambda: _session(context, roost, data, ("stdout", "stderr")),
            },
        )
    cat = rates["cat"]
    return [
        compared("pipe session, stdout to one C client", "MB/s", rates["one"], "cat | cat", cat, at_least(0.4)),
        compared("stdout and stderr, two C clients", "MB/s", rates["both"], "cat | cat", cat),
    ]
