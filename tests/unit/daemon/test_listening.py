"""Listening takes nothing away that is not a dead daemon's socket."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from roost.daemon.listening import listen_at
from roost.errors import RoostError


def test_a_file_at_the_path_stays_as_it_is(tmp_path: Path) -> None:
    """What is no socket is refused, by name, and not touched."""
    path = tmp_path / "precious"
    path.write_text("text")
    with pytest.raises(RoostError, match="precious is there and is no socket; move it away"):
        listen_at(str(path))
    assert path.read_text() == "text"


def test_a_link_is_not_followed_and_stays(tmp_path: Path) -> None:
    """A symbolic link is no socket, wherever it leads."""
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(RoostError, match="is no socket"):
        listen_at(str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink() and (tmp_path / "file").read_text() == "text"


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM])
def test_a_socket_in_use_stays_its_owners(tmp_path: Path, kind: socket.SocketKind) -> None:
    """A second daemon never takes the place of a program that listens, whatever it speaks."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, kind) as theirs, socket.socket(socket.AF_UNIX, kind) as caller:
        theirs.bind(path)
        if kind != socket.SOCK_DGRAM:
            theirs.listen()
        with pytest.raises(RoostError, match=r"another program listens at .*/s already") as refused:
            listen_at(path)
        assert refused.value.kind == "already_attached"
        caller.connect(path)


def test_a_dead_daemons_socket_is_replaced_by_one_for_the_owner_only(tmp_path: Path) -> None:
    """A socket file at which nobody listens is stale."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
        dead.listen()
    with listen_at(str(path)), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600
        caller.connect(str(path))


def test_a_place_that_cannot_be_listened_at_is_named_with_the_next_step(tmp_path: Path) -> None:
    """A directory that is not there, and a directory in the place of the socket."""
    with pytest.raises(RoostError, match=r"No such file or directory; look at `ls -ld .*/no`"):
        listen_at(str(tmp_path / "no" / "s"))
    with pytest.raises(RoostError, match="is no socket"):
        listen_at(str(tmp_path))
