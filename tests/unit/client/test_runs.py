"""The registry of runs: whole or not there, gone with its process, and never a reason to fail."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from roost.client.runs import read_runs
from roost.core.run_record import RunRecord, agent_of, parse_record
from roost.errors import InvalidError
from roost.platform import boot_id
from roost.platform.processes import read_process
from roost.platform.run_files import write_whole


def own_record() -> RunRecord:
    process = read_process(os.getpid())
    assert process is not None
    return RunRecord(os.getpid(), process.start_ticks, boot_id(), "unix:/x", "s-abc", "me", "", 12.5)


def test_a_live_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = own_record()
    write_whole(str(tmp_path / "s-abc.json"), record.encode())
    assert read_runs(str(tmp_path)).runs == (record,)
    assert (tmp_path / "s-abc.json").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["s-abc.json"]


@pytest.mark.parametrize("change", [{"start_ticks": 1}, {"boot_id": "another"}, {"pid": 2**22 + 5}])
def test_a_record_of_another_process_is_passed_over_and_removed(tmp_path: Path, change: dict[str, object]) -> None:
    write_whole(str(tmp_path / "s-abc.json"), replace(own_record(), **change).encode())  # type: ignore[arg-type]
    assert read_runs(str(tmp_path)).runs == ()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": true}', b'{"pid": 1}', b"x" * 70_000, b"\xff"])
def test_a_corrupt_record_is_passed_over_told_and_left_alone(tmp_path: Path, content: bytes) -> None:
    write_whole(str(tmp_path / "good.json"), own_record().encode())
    (tmp_path / "bad.json").write_bytes(content)
    registry = read_runs(str(tmp_path))
    assert [run.name for run in registry.runs] == ["me"]
    assert [path for path, _ in registry.corrupt] == [str(tmp_path / "bad.json")]
    assert (tmp_path / "bad.json").exists()


def test_neither_links_nor_pipes_nor_unfinished_files_hold_a_reader_up(tmp_path: Path) -> None:
    os.symlink("/dev/zero", tmp_path / "a.json")
    os.mkfifo(tmp_path / "b.json")
    (tmp_path / "c.json.77.tmp").write_bytes(b"half")
    registry = read_runs(str(tmp_path))
    assert (registry.runs, len(registry.corrupt)) == ((), 2)


def test_there_are_no_runs_where_there_is_no_directory(tmp_path: Path) -> None:
    assert read_runs(str(tmp_path / "none")).runs == ()


def test_a_field_of_the_wrong_type_is_named() -> None:
    with pytest.raises(InvalidError, match="name is 7"):
        parse_record(replace(own_record(), name=7).encode())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argv", "labels", "agent"),
    [
        (["/usr/bin/claude", "-p"], {}, "claude"),
        (["node", "/opt/codex.js"], {}, "codex"),
        (["bash"], {}, ""),
        (["bash"], {"agent": "mine"}, "mine"),
    ],
)
def test_an_agent_is_known_by_label_or_command(argv: list[str], labels: dict[str, str], agent: str) -> None:
    assert agent_of(argv, labels) == agent
