"""Where v1 expects its daemon: section 1.1 of the fact sheet, and roost's own scope behind it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from roost.dropin.entry import read_start
from roost.dropin.places import Place
from roost.errors import InvalidError, RoostError
from roost.paths import check_scope


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "XDG_STATE_HOME": str(tmp_path / "state"), **more}


def test_the_default_place_and_that_of_a_scope(tmp_path: Path) -> None:
    place = Place(environ=environ(tmp_path))
    assert place.socket_path == f"{tmp_path}/run/running-process/daemon.sock"
    assert place.db_path == f"{tmp_path}/state/running-process/tracked-pids.sqlite3"
    assert place.scope is None
    scoped = Place("ci 1", environ=environ(tmp_path))
    assert scoped.socket_path == f"{tmp_path}/run/running-process/daemon-ci 1.sock"
    assert scoped.db_path == f"{tmp_path}/state/running-process/tracked-pids-ci 1.sqlite3"


def test_without_a_runtime_directory_it_is_in_tmp_and_an_empty_one_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Place(environ={}).socket_path == f"/tmp/running-process-{os.getuid()}/daemon.sock"
    monkeypatch.chdir(tmp_path)
    assert Place(environ={"XDG_RUNTIME_DIR": ""}).socket_path == f"{tmp_path}/running-process/daemon.sock"


def test_given_paths_win(tmp_path: Path) -> None:
    place = Place("s", str(tmp_path / "x.sock"), str(tmp_path / "y.db"), environ=environ(tmp_path))
    assert (place.socket_path, place.db_path) == (f"{tmp_path}/x.sock", f"{tmp_path}/y.db")


def test_each_socket_has_a_scope_of_its_own_that_roost_can_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    one, two = Place(environ=environ(tmp_path)), Place("b", environ=environ(tmp_path))
    assert check_scope(one.roost_scope) == one.roost_scope != two.roost_scope
    assert one.roost_scope.startswith("v1-")
    again = Place("other name", "run/../run/running-process/daemon.sock", environ=environ(tmp_path))
    assert again.roost_scope == one.roost_scope


def test_a_scope_cannot_leave_its_directory() -> None:
    with pytest.raises(InvalidError, match="file name"):
        Place("../../etc/x")


def test_the_directory_is_made_private_and_the_default_one_forced_to_be(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "run", 0o755)
    place = Place(environ=environ(tmp_path))
    place.ensure_runtime_dir()
    directory = Path(place.socket_path).parent
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    directory.chmod(0o755)
    place.ensure_runtime_dir()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_given_directory_is_only_checked(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir(mode=0o755)
    open_to_all.chmod(0o755)
    with pytest.raises(RoostError, match="0755, needs 0700"):
        Place(socket_path=str(open_to_all / "d.sock")).ensure_runtime_dir()
    (tmp_path / "link").symlink_to(open_to_all)
    with pytest.raises(RoostError, match="not a directory"):
        Place(socket_path=str(tmp_path / "link/d.sock")).ensure_runtime_dir()
    with pytest.raises(RoostError, match="cannot be made"):
        Place(socket_path=str(tmp_path / "a/b/d.sock")).ensure_runtime_dir()


@pytest.mark.parametrize(
    ("args", "given"),
    [
        (["start"], {}),
        (["start", "--scope", "s", "--db-path=d=1"], {"--scope": "s", "--db-path": "d=1"}),
        (["start", "--help"], None),
        (["start", "--scope"], None),
        (["stop"], None),
        (["--scope", "s", "start"], None),
        ([], None),
    ],
)
def test_a_plain_start_is_read_without_the_parser(args: list[str], given: dict[str, str] | None) -> None:
    assert read_start(args) == given
