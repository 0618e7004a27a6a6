"""The ring alone, in this process: appending, and reading back with validation, at the sizes that occur.

Beside it, for orientation: copying the same bytes inside Python's own memory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from bench.context import Context
from bench.report import Row, compared
from bench.stats import alternate

_SIZES = (4095, 65536)


def _rate(total: int, size: int, one: Callable[[], object]) -> float:
    """GB/s of `total` bytes in steps of `size`."""
    count = total // size
    start = time.perf_counter()
    for _ in range(count):
        one()
    return count * size / (time.perf_counter() - start) / 1e9


def run(context: Context) -> list[Row]:
    from roost.ring.layout import DEFAULT_CAPACITY
    from roost.ring.reader import RingReader
    from roost.ring.writer import RingWriter, create_ring_file

    total = context.choose(1 << 30, 1 << 28)
    fd = create_ring_file("bench", DEFAULT_CAPACITY)
    writer, reader = RingWriter(fd), RingReader(fd)
    source = memoryview(os.urandom(max(_SIZES)))
    sink = bytearray(max(_SIZES))
    rows = []
    for size in _SIZES:
        part = source[:size]

        def append(part: memoryview = part) -> None:
            writer.append(part)
            writer.take_waiting()

        def copy(part: memoryview = part, size: int = size) -> None:
            sink[:size] = part

        def read(size: int = size) -> None:
            reader.read(reader.end - size, size)

        rates = alternate(
            3,
            {
                "append": lambda append=append, size=size: _rate(total, size, append),  # type: ignore[misc]
                "read": lambda read=read, size=size: _rate(total, size, read),  # type: ignore[misc]
                "copy": lambda copy=copy, size=size: _rate(total, size, copy),  # type: ignore[misc]
            },
        )
        for name in ("append", "read"):
            rows.append(compared(f"ring {name}, {size} bytes", "GB/s", rates[name], "bytearray", rates["copy"]))
    writer.release()
    reader.release()
    os.close(fd)
    return rows
