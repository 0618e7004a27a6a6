"""The configuration of a running daemon: checked, shown, reloaded, and kept when the new one is broken."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from support.instance import Instance, eventually


def write(instance: Instance, text: str) -> Path:
    path = instance.root / "config/roost/config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def in_force(instance: Instance) -> dict[str, object]:
    return {s["key"]: s["value"] for s in instance.json("config", "show")["settings"]}


def test_check_tells_all_mistakes_and_needs_no_daemon(instance: Instance) -> None:
    path = write(instance, '[hooks]\nsinc = 1\n[[hooks.sinks]]\ntype = "x"\n')
    done = instance.roost("config", "check", check=False)
    lines = done.stdout.decode().splitlines()
    assert (done.returncode, [line.split(": ")[0] for line in lines]) == (1, [f"{path}:2", f"{path}:4"])
    assert len(instance.json("config", "check", "/dev/null")["problems"]) == 0
    assert instance.roost("config", "check", "/no/such", check=False).returncode == 1


def test_a_byte_order_mark_and_line_ends_of_another_system_are_no_mistakes(instance: Instance) -> None:
    path = write(instance, "")
    path.write_bytes(b'\xef\xbb\xbf[hooks]\r\nsink = "stdout"\r\n')
    instance.roost("daemon", "reload")
    assert in_force(instance)["hooks.sink"] == ["stdout"]
    path.write_bytes(b'[hooks]\r\nsink = "stdout"\r\nsinc = "\xff"\r\n')
    done = instance.roost("daemon", "reload", check=False)
    assert (done.returncode, b"cannot be read: it is no UTF-8" in done.stderr) == (1, True)
    path.unlink()
    path.mkdir()
    assert b"cannot be read: Is a directory" in instance.roost("config", "check", check=False).stdout
    instance.kill_daemon()
    shown = instance.json("config", "show")
    assert (shown["origin"], in_force(instance)["hooks.sink"]) == ("kept", ["stdout"])


def test_a_good_configuration_is_applied_and_a_broken_one_refused_with_its_reasons(instance: Instance) -> None:
    log = instance.root / "one.jsonl"
    write(instance, f'[hooks]\nsink = "jsonl"\njsonl_path = "{log}"\n')
    instance.roost("daemon", "reload")
    assert in_force(instance)["hooks.jsonl_path"] == str(log)
    write(instance, "[hooks]\nsink = 1\n")
    done = instance.roost("daemon", "reload", check=False)
    assert done.returncode == 1
    assert b"config.toml:2: hooks.sink: must be" in done.stderr
    shown = instance.json("config", "show")
    assert in_force(instance)["hooks.jsonl_path"] == str(log)
    assert "hooks.sink: must be" in shown["problems"][0]


def test_sighup_reloads(instance: Instance) -> None:
    write(instance, '[hooks]\nsink = "stdout"\n')
    os.kill(instance.note_pids(), signal.SIGHUP)
    eventually(lambda: in_force(instance)["hooks.sink"] == ["stdout"])


def test_a_daemon_that_starts_on_a_broken_file_goes_on_with_the_last_good_one(instance: Instance) -> None:
    write(instance, '[hooks]\nsink = "stdout"\n')
    instance.roost("daemon", "reload")
    write(instance, "[hooks")
    instance.kill_daemon()
    shown = instance.json("config", "show")
    assert (shown["origin"], in_force(instance)["hooks.sink"]) == ("kept", ["stdout"])
    write(instance, "")
    instance.roost("daemon", "reload")
    assert (instance.json("config", "show")["origin"], in_force(instance)["hooks.sink"]) == ("file", [])
