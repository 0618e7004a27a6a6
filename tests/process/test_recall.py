"""A daemon whose directories were removed under it is found again by whoever looks for it."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from support.instance import Instance, eventually

from roost.client import AsyncClient, Client


def removed(instance: Instance, *names: str) -> None:
    for name in names:
        shutil.rmtree(instance.root / name / "roost")


def test_after_the_runtime_directory_was_removed_a_command_reaches_the_same_daemon(instance: Instance) -> None:
    pid = instance.status()["pid"]
    instance.roost("run", "-d", "--name", "kept", "--", "sleep", "1000")
    removed(instance, "run")
    assert b"kept" in instance.roost("ls").stdout
    assert instance.status()["pid"] == pid


def test_the_sockets_beside_the_daemons_own_are_listened_on_again_too(instance: Instance) -> None:
    config = instance.root / "config" / "roost"
    config.mkdir(parents=True)
    (config / "config.toml").write_text('[hooks]\nsink = "unix-listener"\n')
    instance.roost("daemon", "reload")
    run = instance.root / "run" / "roost"
    names = ("events.sock", "http.sock", "monitor.sock")
    eventually((run / "monitor.sock").exists, what="monitors can connect")
    removed(instance, "run")
    instance.json("ls")
    for name in names:
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(run / name))
    instance.roost("daemon", "stop")
    assert not [name for name in names if (run / name).exists()]


def test_a_removed_socket_file_is_there_again_although_nobody_calls(instance: Instance) -> None:
    pid = instance.status()["pid"]
    for name in ("events.sock", "daemon.sock", "http.sock", "events.sock"):
        path = instance.root / "run" / "roost" / name
        path.unlink()
        eventually(path.exists, what=f"{name} is there again")
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(path))
    assert instance.status()["pid"] == pid


def test_after_both_directories_were_removed_a_command_reaches_the_same_daemon(instance: Instance) -> None:
    pid = instance.status()["pid"]
    removed(instance, "run", "state")
    assert instance.json("daemon", "status")["pid"] == pid
    assert b"the daemon stopped" in instance.roost("daemon", "stop").stderr


def test_a_socket_file_that_is_not_its_own_is_replaced_and_left_alone_at_the_end(instance: Instance) -> None:
    Path(instance.socket).unlink()
    instance.json("daemon", "status")
    Path(instance.socket).rename(instance.socket + ".moved")
    Path(instance.socket).touch()
    with Client(instance.socket + ".moved", autostart=False) as client:
        client.stop()
    assert Path(instance.socket).exists()


async def test_the_async_client_finds_it_too(instance: Instance, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    for name, value in instance.environ.items():
        if name.startswith("XDG_"):
            monkeypatch.setenv(name, value)
    removed(instance, "run")
    async with AsyncClient(autostart=False) as client:
        assert (await client.status()).socket == instance.socket


def test_a_second_daemon_says_where_the_first_one_listens(instance: Instance) -> None:
    refused = instance.roost("daemon", "start", "--foreground", check=False)
    assert refused.returncode == 1
    assert f"listens at {instance.socket}".encode() in refused.stderr
