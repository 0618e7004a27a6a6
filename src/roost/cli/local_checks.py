"""What the doctor can find out without the daemon: directories, socket path, logout, the keeper.

Owns these checks; the daemon has its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from roost.cli.logout import ends_at_logout
from roost.errors import RoostError
from roost.model.settings import Check
from roost.paths import Paths, check_socket_path, ensure_private_dir


def local_checks(scope: str | None) -> list[Check]:
    """The findings, in the order in which a daemon would fail over them."""
    paths = Paths.for_scope(scope)
    return [
        _guarded("runtime directory", lambda: _existing_dir(paths.runtime_dir)),
        _guarded("state directory", lambda: _existing_dir(paths.state_dir)),
        _guarded("socket path", lambda: check_socket_path(paths.client_socket)),
        _runs(paths.runs_dir),
        _logout(),
    ]


def keeper_check(scope: str | None) -> Check:
    """The keeper as it is without a daemon: whether the next daemon can take it over."""
    return _guarded("keeper", lambda: _waiting_keeper(Paths.for_scope(scope)))


def _waiting_keeper(paths: Paths) -> str:
    from roost.keeper import messages as m
    from roost.keeper.probe import probe_keeper

    greeting = probe_keeper(paths)
    if greeting is None:
        return "none runs"
    return f"pid {greeting.u64(m.T_PID)}, protocol {greeting.u64(m.T_VERSION)}, without a daemon"


def _guarded(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, detail=check())
    except RoostError as error:
        problem, _, advice = error.message.partition("; ")
        return Check(name=name, ok=False, detail=problem, advice=advice)


def _existing_dir(path: str) -> str:
    if not os.path.lexists(path):
        _check_parent(path)
        return f"{path} will be made"
    ensure_private_dir(path)
    disk = os.statvfs(path)
    if not disk.f_bavail or (disk.f_files and not disk.f_favail):
        raise RoostError(f"{path} is on a full disk; free some space (`df {path}`, `df -i {path}`)", kind="exhausted")
    return path


def _check_parent(path: str) -> None:
    parent = os.path.dirname(path)
    while not os.path.lexists(parent):
        parent = os.path.dirname(parent)
    if not os.path.isdir(parent) or not os.access(parent, os.W_OK | os.X_OK):
        raise RoostError(
            f"{path} cannot be made in {parent}; look at `ls -ld {parent}`, or set XDG_RUNTIME_DIR and XDG_STATE_HOME "
            "to directories of your own",
            kind="denied",
        )


def _runs(directory: str) -> Check:
    from roost.client.runs import read_runs

    registry = read_runs(directory)
    if registry.corrupt:
        path, problem = registry.corrupt[0]
        more = f" and {len(registry.corrupt) - 1} more" if len(registry.corrupt) > 1 else ""
        detail = f"{path} cannot be used ({problem}){more}"
        return Check(name="registry of runs", ok=False, detail=detail, advice=f"remove it with `rm {path}`")
    return Check(name="registry of runs", ok=True, detail=f"{len(registry.runs)} in {directory}")


def _logout() -> Check:
    if ends_at_logout():
        return Check(name="logout", ok=False, detail="sessions end when you log out", advice="loginctl enable-linger")
    return Check(name="logout", ok=True, detail="sessions outlive your logout")
