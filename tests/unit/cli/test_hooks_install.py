"""`roost hooks install`: what is shown, and what is added to an agent's settings in the home directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roost.cli.app import run_app
from roost.core.agent_tools import SETTINGS, TOOLS
from roost.errors import InvalidError


@pytest.mark.parametrize("tool", TOOLS)
def test_print_shows_json_and_changes_nothing(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run_app(["hooks", "install", tool, "--print"]) == 0
    assert f"roost emit --from {tool}" in json.dumps(json.loads(capsys.readouterr().out))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tool", TOOLS)
def test_settings_get_the_hooks_once_and_keep_the_rest(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / SETTINGS[tool]
    path.parent.mkdir()
    path.write_text('{"theme": "dark"}')
    path.chmod(0o640)
    for _ in range(2):
        assert run_app(["hooks", "install", tool]) == 0
    told = json.loads(path.read_text())
    assert told["theme"] == "dark" and path.stat().st_mode & 0o777 == 0o640
    assert all(len(groups) == 1 for groups in told["hooks"].values())
    assert [entry.name for entry in path.parent.iterdir()] == [path.name], "nothing is left beside it"


def test_settings_that_cannot_be_read_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / SETTINGS["gemini"]
    path.parent.mkdir()
    path.write_text("// with comments\n{}")
    with pytest.raises(InvalidError, match="--print"):
        run_app(["hooks", "install", "gemini"])
    assert path.read_text() == "// with comments\n{}"
