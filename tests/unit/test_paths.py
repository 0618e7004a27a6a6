"""Path rules: which directories are used, and which are refused with advice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from roost import paths as module
from roost.errors import InvalidError, RoostError
from roost.paths import Paths, check_socket_path, ensure_private_dir


def make(scope: str | None = None, **environ: str) -> Paths:
    return Paths.for_scope(scope, environ={"HOME": "/home/me", **environ})


def test_runtime_and_state_follow_xdg() -> None:
    paths = make(XDG_RUNTIME_DIR="/run/user/7/", XDG_STATE_HOME="/state")
    assert paths.daemon_socket == "/run/user/7/roost/daemon.sock"
    assert paths.keeper_socket == "/run/user/7/roost/keeper.sock"
    assert paths.runs_dir == "/run/user/7/roost/runs"
    assert paths.keeper_lock == "/state/roost/keeper.lock"
    assert paths.daemon_log == "/state/roost/daemon.log"


def test_without_xdg_the_login_directory_is_used_if_it_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RUN_USER", str(tmp_path))
    uid = os.geteuid()
    assert make().runtime_dir == f"/tmp/roost-{uid}"
    (tmp_path / str(uid)).mkdir()
    assert make().runtime_dir == f"{tmp_path}/{uid}/roost"


def test_relative_and_empty_xdg_values_are_ignored() -> None:
    paths = make(XDG_RUNTIME_DIR="", XDG_STATE_HOME="state")
    assert paths.runtime_dir.startswith(("/tmp/", "/run/"))
    assert paths.state_dir == "/home/me/.local/state/roost"


def test_home_comes_from_the_password_file_when_unset() -> None:
    assert Paths.for_scope(environ={}).state_dir.endswith("/.local/state/roost")


def test_a_scope_adds_a_level_to_both_and_names_the_keeper() -> None:
    paths = make("lab", XDG_RUNTIME_DIR="/r", XDG_STATE_HOME="/s")
    assert (paths.runtime_dir, paths.state_dir) == ("/r/roost/lab", "/s/roost/lab")
    assert paths.abstract_name.startswith(f"\0roost/{os.geteuid()}/lab/")


def test_the_scope_comes_from_the_environment_unless_given() -> None:
    assert make(ROOST_SCOPE="a").scope == "a"
    assert make("b", ROOST_SCOPE="a").scope == "b"
    assert make("default", ROOST_SCOPE="a", XDG_RUNTIME_DIR="/r").runtime_dir == "/r/roost"


def test_roost_socket_moves_the_clients_path_unless_a_scope_is_named() -> None:
    assert make(ROOST_SOCKET="/x.sock").client_socket == "/x.sock"
    assert make(ROOST_SOCKET="/x.sock").daemon_socket != "/x.sock"
    named = make("b", ROOST_SOCKET="/x.sock")
    assert named.client_socket == named.daemon_socket


@pytest.mark.parametrize("scope", ["..", ".", "a/b", "a b", "x" * 65, "é", "a\n"])
def test_scopes_that_are_no_directory_names_are_refused(scope: str) -> None:
    with pytest.raises(InvalidError, match="scope"):
        make(scope)


def test_a_private_dir_is_made_with_its_parents(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    ensure_private_dir(str(path))
    ensure_private_dir(str(path))
    assert path.stat().st_mode & 0o777 == 0o700
    assert path.parent.stat().st_mode & 0o777 == 0o700


def refused(path: Path) -> str:
    with pytest.raises(RoostError) as caught:
        ensure_private_dir(str(path))
    assert caught.value.kind == "denied"
    assert str(path) in caught.value.message or str(path.parent) in caught.value.message
    return caught.value.message


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir(0o700)
    link = tmp_path / "link"
    link.symlink_to(real)
    assert "symbolic link" in refused(link)


def test_open_permission_bits_are_refused_with_the_command_that_mends_them(tmp_path: Path) -> None:
    path = tmp_path / "open"
    path.mkdir()
    path.chmod(0o750)
    assert f"chmod 700 {path}" in refused(path)


def test_a_file_in_the_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    assert "not a directory" in refused(path)
    with pytest.raises(RoostError, match="cannot be made: Not a directory"):
        ensure_private_dir(str(path / "below"))


def test_another_owner_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "theirs"
    path.mkdir(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert "chown" in refused(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_parent_of_somebody_else_is_refused(tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    (parent / "mine").mkdir(0o700, parents=True)
    (parent / "mine").chmod(0o700)
    os.chown(parent, 12345, -1)
    assert "12345" in refused(parent / "mine")


def test_socket_paths_are_measured_in_bytes() -> None:
    fits = "/" + "a" * 106
    assert check_socket_path(fits) == fits
    with pytest.raises(InvalidError, match=r"108 bytes.*XDG_RUNTIME_DIR.*ROOST_SOCKET"):
        check_socket_path(fits + "a")
    with pytest.raises(InvalidError, match="123 bytes"):
        check_socket_path("/" + "é" * 61)


def test_the_module_stays_light() -> None:
    code = (
        "import sys, os, roost; before = set(sys.modules) | set(sys.builtin_module_names); "
        "import roost.paths; print(sorted(set(sys.modules) - before))"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-S", "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['roost.errors', 'roost.paths']"
