"""`roost web`: the link is opened where there is a desktop, printed where there is none, never on a command line."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from support.instance import Instance


@pytest.fixture
def roost(shared: Instance) -> Instance:
    return shared


def web(roost: Instance, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `roost web` without a desktop, but for what is given."""
    kept = {name: value for name, value in roost.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "roost.cli", "web", *arguments]
    return subprocess.run(
        command, env=kept | environ, capture_output=True, text=True, timeout=60, check=True, stdin=subprocess.DEVNULL
    )


def opener(directory: Path, script: str) -> str:
    """A PATH where `xdg-open` is that script."""
    path = directory / "xdg-open"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"{directory}{os.pathsep}{os.environ['PATH']}"


def log_in(link: str) -> int:
    """What the daemon answers to a link's ticket."""
    url, _, ticket = link.partition("/#ticket=")
    body = json.dumps({"ticket": ticket}).encode()
    headers = {"Content-Type": "application/json", "Origin": url}
    asked = urllib.request.Request(f"{url}/v1/login", body, headers)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_without_a_desktop_it_prints_a_link_that_lets_in_once(roost: Instance) -> None:
    done = web(roost)
    link = done.stdout.strip()
    assert link.startswith("http://127.0.0.1:") and "/#ticket=" in link
    assert log_in(link) == 200
    assert log_in(link) == 401


def test_the_same_address_is_used_again(roost: Instance) -> None:
    first, second = (json.loads(web(roost, "--json", "--print").stdout) for _ in range(2))
    assert first["url"] == second["url"]
    assert first["link"] != second["link"]


def test_a_desktop_gets_a_file_that_only_we_can_read_and_no_ticket_on_its_command_line(
    roost: Instance, tmp_path: Path
) -> None:
    path = opener(tmp_path, f'echo "$@" > {tmp_path}/argv; cp "$1" {tmp_path}/page; stat -c %a "$1" > {tmp_path}/mode')
    done = web(roost, DISPLAY=":9", PATH=path)
    assert done.stdout == ""
    assert "opened http://127.0.0.1:" in done.stderr
    assert "ticket" not in (tmp_path / "argv").read_text()
    assert "/#ticket=" in (tmp_path / "page").read_text()
    assert (tmp_path / "mode").read_text().strip() == oct(stat.S_IRUSR | stat.S_IWUSR)[2:]


def test_a_desktop_that_cannot_open_it_leaves_the_link(roost: Instance, tmp_path: Path) -> None:
    done = web(roost, DISPLAY=":9", PATH=opener(tmp_path, "exit 3"))
    assert "/#ticket=" in done.stdout
