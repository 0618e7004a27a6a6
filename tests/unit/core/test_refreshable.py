"""What travels of a client's environment, and the words for shells."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from roost.core.refreshable import environment_block, read_block, refreshable, shell_text
from roost.errors import InvalidError


def test_only_known_names_and_values_of_a_sane_length_travel() -> None:
    environ = {b"DISPLAY": b":0", b"HOME": b"/root", b"XAUTHORITY": b"x" * 2000, b"SSH_TTY": b"\xff"}
    travels = refreshable(environ)
    assert travels == {b"DISPLAY": b":0", b"SSH_TTY": b"\xff"}
    assert read_block(environment_block(travels.items())) == travels
    assert read_block(environment_block(environ.items())) == travels
    assert read_block(b"") == {}


@pytest.mark.parametrize("block", [b"DISPLAY=:0", b"DISPLAY\0"])
def test_a_malformed_block_is_refused(block: bytes) -> None:
    with pytest.raises(InvalidError):
        read_block(block)


VALUES = {"DISPLAY": "it's $HOME \\ `x`\n", "SSH_TTY": None, "SSH_AUTH_SOCK": "/a b"}


def test_a_posix_shell_takes_over_the_very_values() -> None:
    script = (
        "SSH_TTY=old; " + shell_text(VALUES, "sh") + 'printf "%s|%s|%s" "$DISPLAY" "${SSH_TTY-unset}" "$SSH_AUTH_SOCK"'
    )
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout == "it's $HOME \\ `x`\n|unset|/a b"


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_takes_over_the_very_values() -> None:
    script = shell_text(VALUES, "fish") + 'printf "%s|%s|%s" $DISPLAY (set -q SSH_TTY; echo $status) $SSH_AUTH_SOCK'
    done = subprocess.run(["fish", "-N", "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout == "it's $HOME \\ `x`\n|1|/a b"


def test_programs_get_json() -> None:
    assert json.loads(shell_text(VALUES, "json")) == VALUES
