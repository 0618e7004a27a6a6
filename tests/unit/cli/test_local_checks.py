"""The doctor's own looks at the surroundings."""

from __future__ import annotations

from pathlib import Path

import pytest

from roost.cli.local_checks import local_checks


def test_a_directory_that_cannot_be_made_is_found_before_a_daemon_fails_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "taken/state"))
    found = {check.name: check for check in local_checks(None)}
    assert found["runtime directory"].ok
    state = found["state directory"]
    assert (state.ok, f"cannot be made in {tmp_path}/taken" in state.detail) == (False, True)
    assert "XDG_STATE_HOME" in state.advice
