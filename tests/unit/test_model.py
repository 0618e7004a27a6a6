"""Records and their JSON form."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest

from roost import model
from roost.model import Check, ClientInfo, DaemonStatus, ExitStatus, Gap, SessionInfo, TerminateResult

SESSION = {
    "id": "s-abcdefghij",
    "name": "bash",
    "kind": "pty",
    "state": "exited",
    "pid": 7,
    "exit_code": -9,
    "signal": 9,
    "created_at": 1.5,
    "exited_at": 2.5,
    "command": "bash -l",
    "argv": ["bash", "-l"],
    "cwd": "/tmp",
    "originator": "cli",
    "labels": {"a": "b"},
    "attached": True,
    "clients": [
        {
            "id": "c1",
            "label": "me",
            "mode": "view",
            "lossless": True,
            "tty": True,
            "term": "xterm",
            "rows": 24,
            "cols": 80,
            "offset": 3,
            "lag": 4,
            "local": True,
        }
    ],
    "rows": 24,
    "cols": 80,
    "outcome": "hard",
    "term": "xterm-256color",
    "title": "t",
    "size_policy": "latest",
    "ring_bytes": 1 << 20,
    "start_offset": 0,
    "end_offset": 7,
    "terminal_held": False,
    "held_by": None,
    "last_output_at": 2.0,
    "spawn_id": None,
    "service": None,
    "recording": None,
    "shell": None,
    "activity": None,
}


def test_a_session_goes_through_json_unchanged() -> None:
    info = SessionInfo.from_json(SESSION)
    assert info.argv == ("bash", "-l")
    assert info.clients == (ClientInfo.from_json(SESSION["clients"][0]),)  # type: ignore[index]
    assert json.loads(json.dumps(info.to_json())) == SESSION
    assert not info.running


def test_every_contract_key_is_a_field() -> None:
    assert {item.name for item in dataclasses.fields(SessionInfo)} == set(SESSION)


def test_unknown_keys_are_ignored_and_missing_ones_have_defaults() -> None:
    info = SessionInfo.from_json({"id": "s-x", "from_the_future": 1, "clients": [{"id": "c", "new": 2}]})
    assert info.running
    assert info.exit_code is None
    assert info.clients[0].mode == "exclusive"


def test_a_missing_identity_is_an_error() -> None:
    with pytest.raises(TypeError):
        SessionInfo.from_json({})
    with pytest.raises(TypeError):
        Check.from_json({"name": "x"})


def test_an_unknown_code_stays_unknown() -> None:
    status = ExitStatus.from_json({"code": None, "signal": None, "session_id": "s"})
    assert status.code is None
    assert status.outcome == "unknown"


def test_lists_become_tuples_and_lists_again() -> None:
    result = TerminateResult.from_json({"session_id": "s", "survivors": [1, 2], "survivor_names": ["a", "b"]})
    assert result.survivors == (1, 2)
    assert result.to_json()["survivors"] == [1, 2]
    assert DaemonStatus.from_json({"pid": 3}).to_json()["pid"] == 3


def test_records_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SessionInfo.from_json(SESSION).name = "x"  # type: ignore[misc]


def test_a_gap_counts_its_bytes() -> None:
    assert Gap(10, 25).missed_bytes == 15


def test_every_public_name_is_there() -> None:
    assert all(getattr(model, name) is not None for name in model.__all__)
    assert sorted(" ".join(model._HOMES.values()).split()) == sorted(model.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = model.Nothing


def test_a_client_that_starts_makes_no_types_that_few_commands_use() -> None:
    script = "import sys; from roost import Client; print(*(m for m in sys.modules if m.startswith('roost.model.')))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) == {"roost.model.record", "roost.model.sessions", "roost.model.attaching"}
