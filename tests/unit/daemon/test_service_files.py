"""The registry's rows, the snapshot, and the ends of log files."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roost.core.service import Definition, Health
from roost.core.supervision import Life
from roost.daemon.service_log import MAX_LINE_BYTES, MAX_TEXT_BYTES, empty, tail_text
from roost.daemon.service_store import Saved, ServiceStore
from roost.errors import NoRunError, RoostError

FULL = Definition("web", ("sh", "-c", "x"), "/srv", {"A": "ü"}, "on-failure", 1, 2, 3, 4, 5, 6, Health(tcp="a:1"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ServiceStore]:
    one = ServiceStore(str(tmp_path / "state"))
    yield one
    one.close()
    one._thread.shutdown()


async def test_a_service_comes_back_as_it_was(store: ServiceStore, tmp_path: Path) -> None:
    assert await store.load() == []
    assert not (tmp_path / "state").exists(), "looking makes no file"
    row = await store.add(FULL)
    row.life = Life("waiting", 1, 2, 3.5, 4.5, None, 5.5, "why")
    row.run_id, row.session_id = "service-1", "s-1"
    await store.save(row)
    assert await store.load() == [row]
    await store.remove(row)
    assert (await store.add(FULL)).id > row.id


async def test_the_snapshot_is_private_and_replaced_as_a_whole(store: ServiceStore) -> None:
    with pytest.raises(NoRunError):
        await store.read_snapshot()
    saved = [Saved(FULL, True), Saved(Definition("b", ("x",)), False)]
    await store.write_snapshot([])
    await store.write_snapshot(saved)
    path = Path(store.snapshot_path)
    assert await store.read_snapshot() == saved and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not list(path.parent.glob("*.new"))
    for damage in ("{", '{"services": [{"definition": {"name": "a"}, "active": true}]}'):
        path.write_text(damage)
        with pytest.raises(RoostError) as caught:
            await store.read_snapshot()
        assert caught.value.kind == "internal" and str(path) in caught.value.message


def test_nothing_written_is_nothing_shown(tmp_path: Path) -> None:
    assert tail_text(str(tmp_path), "x", 0) == ""
    (tmp_path / "x-out.log").write_bytes(b"")
    assert tail_text(str(tmp_path), "x", 5) == ""


def test_lines_empty_ones_and_an_open_one(tmp_path: Path) -> None:
    (tmp_path / "x-out.log").write_bytes(b"a\n\nb")
    (tmp_path / "x-err.log").write_bytes(b"\n")
    assert tail_text(str(tmp_path), "x", 0) == "[stdout] a\n[stdout] \n[stdout] b\n[stderr] \n"
    assert tail_text(str(tmp_path), "x", 2) == "[stdout] \n[stdout] b\n[stderr] \n"


def test_the_rotated_file_stands_before(tmp_path: Path) -> None:
    (tmp_path / "x-out.log.1").write_bytes(b"1\n2\n")
    (tmp_path / "x-out.log").write_bytes(b"3\n")
    assert tail_text(str(tmp_path), "x", 2) == "[stdout] 2\n[stdout] 3\n"
    assert tail_text(str(tmp_path), "x", 1) == "[stdout] 3\n"


@pytest.mark.parametrize("char", ["x", "ü", "€"])
def test_limits_hold_and_no_character_is_cut(tmp_path: Path, char: str) -> None:
    (tmp_path / "x-out.log").write_bytes((char * 9000 + "\n").encode() * 40)
    (tmp_path / "x-err.log").write_bytes(b"\xff\xfe" * 5000 + b"\nend\n")
    text = tail_text(str(tmp_path), "x", 1000)
    assert len(text.encode()) <= MAX_TEXT_BYTES and text.endswith("[stderr] end\n")
    for line in text.splitlines():
        assert line.startswith(("[stdout] ", "[stderr] "))
        assert len(line.encode()) <= MAX_LINE_BYTES + len("[stdout] ")
    assert len(text.encode()) > MAX_TEXT_BYTES - 2 * MAX_LINE_BYTES, "one stream takes what the other leaves"


def test_flushing_empties_the_file_and_removes_old_ones_of_this_service_only(tmp_path: Path) -> None:
    for name in ("x-out.log", "x-out.log.1", "x-err.log.12", "x-out.log.bak", "y-out.log.1"):
        (tmp_path / name).write_bytes(b"text")
    empty(str(tmp_path), "x")
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert left == {"x-out.log": b"", "x-out.log.bak": b"text", "y-out.log.1": b"text"}
    empty(str(tmp_path / "none"), "x")
