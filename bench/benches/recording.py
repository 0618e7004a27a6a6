"""The writer of recordings: output of the stream in MB/s into lines of a cast, and through a whole daemon into a file.

Beside it `cat` into a file (the tee's work without any), for orientation, and the writer with the built-in rules.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from bench.context import Context
from bench.report import Row, compared
from bench.roost_host import RoostHost
from bench.stats import alternate

_LINE = b"\x1b[32m%08d\x1b[0m the quick brown fox jumps over the lazy dog, 0123456789\r\n"


def _text(size: int) -> bytes:
    return b"".join(_LINE % number for number in range(size // 80))


def _encode(data: bytes, *, common: bool) -> float:
    """MB/s of the encoder alone, in pieces as the recorder makes them."""
    from roost.core.recording import Batch, Checkpoint, encode_batch
    from roost.core.redaction import compile_rules
    from roost.daemon.recording_batches import PIECE_BYTES

    rules = compile_rules([], common=common)
    at = Checkpoint(0, 0, 24, 80)
    start = time.perf_counter()
    while at.offset < len(data):
        piece = data[at.offset : at.offset + PIECE_BYTES]
        final = at.offset + len(piece) == len(data)
        at = encode_batch(Batch(at, at.offset, piece, final=final), rules).checkpoint
    return len(data) / (time.perf_counter() - start) / 1e6


def _record(context: Context, roost: RoostHost, source: Path, number: int) -> float:
    """MB/s from the start of a session to its recording's end, nothing missing."""
    path = str(context.path(f"{number}.cast"))
    options = {"record": {"path": path, "hold": True}}
    start = time.perf_counter()
    from roost.client import Client

    with Client(str(roost.socket), autostart=False) as client:
        session = client.spawn(["cat", str(source)], pipe=True, options=options)
        while client.recordings(session.id)[0].state == "recording":
            time.sleep(0.002)
        elapsed = time.perf_counter() - start
        (recording,) = client.recordings(session.id)
        if recording.state != "closed" or recording.recorded_bytes != source.stat().st_size:
            raise RuntimeError(f"recorded {recording.recorded_bytes} bytes, state {recording.state}")
        client.purge(session.id)
    Path(path).unlink()
    return source.stat().st_size / elapsed / 1e6


def _cat(context: Context, source: Path) -> float:
    start = time.perf_counter()
    with open(context.path("copy"), "wb") as copy:
        subprocess.run(["cat", str(source)], stdout=copy, check=True)
    return source.stat().st_size / (time.perf_counter() - start) / 1e6


def run(context: Context) -> list[Row]:
    data = _text(context.choose(64 << 20, 8 << 20))
    source = Path(context.path("source"))
    source.write_bytes(data)
    numbers = iter(range(100))
    with RoostHost(context) as roost:
        rates = alternate(
            3,
            {
                "encoder": lambda: _encode(data, common=False),
                "with rules": lambda: _encode(data[: len(data) // 8], common=True),
                "recorded": lambda: _record(context, roost, source, next(numbers)),
                "cat": lambda: _cat(context, source),
            },
        )
    cat = rates["cat"]
    return [
        compared("encoder alone", "MB/s", rates["encoder"], "cat > file", cat),
        compared("encoder with the built-in rules", "MB/s", rates["with rules"], "cat > file", cat),
        compared("pipe session recorded with a hold", "MB/s", rates["recorded"], "cat > file", cat),
    ]
