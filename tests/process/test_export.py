"""`roost export` and `roost replay` as commands: of files and of sessions."""

from __future__ import annotations

from pathlib import Path

from support.instance import Instance, eventually

from roost.core.cast import read_cast

CAST = b"""{"version": 3, "term": {"cols": 40, "rows": 10}, "title": "T"}
# roost offset=0 time=0.000000 size=40x10 missed=0
[0.0, "o", "one\\r\\n"]
[1.0, "o", "\\u001b[31mtwo\\u001b[0m"]
[1.0, "x", "3"]
"""


def test_a_recording_becomes_every_form(shared: Instance, tmp_path: Path) -> None:
    source = tmp_path / "a.cast"
    source.write_bytes(CAST)
    begins = {"html": b"<!doctype html>", "svg": b"<svg ", "gif": b"GIF89a", "png": b"\x89PNG", "txt": b"one\ntwo\n"}
    for form, begin in begins.items():
        shared.roost("export", str(source), "-o", str(tmp_path / f"out.{form}"))
        assert (tmp_path / f"out.{form}").read_bytes().startswith(begin), form
    assert shared.roost("export", str(source), "--txt", "--at", "500ms").stdout == b"one\n"
    both = shared.roost("export", str(source), "--gif", "--svg", "-o", str(tmp_path / "both"))
    assert (tmp_path / "both.gif").exists() and (tmp_path / "both.svg").exists() and b"both.svg" in both.stderr
    assert shared.roost("export", str(source), "--gif", "--svg", check=False).returncode == 2
    assert b"translateX" in (tmp_path / "out.svg").read_bytes()
    assert b"translateX" not in shared.roost("export", str(source), "--svg", "--at", "1.5s").stdout
    second = read_cast(shared.roost("export", str(source), "--cast-v2").stdout.splitlines(keepends=True))
    assert (second.header.version, second.header.title) == (2, "T")
    assert [event.at_us for event in second.events] == [0, 1_000_000, 2_000_000]
    assert b"# roost" not in shared.roost("export", str(source), "--cast").stdout
    assert shared.roost("replay", str(source)).stdout == b"one\r\n\x1b[31mtwo\x1b[0m"
    assert shared.roost("replay", "-", stdin=CAST).stdout == b"one\r\n\x1b[31mtwo\x1b[0m"


def test_a_session_is_exported_from_what_it_retains(shared: Instance) -> None:
    shared.roost("run", "-d", "-n", "shown", "--", "printf", r"hello\n\033[32mworld\n")
    eventually(lambda: b"world" in shared.roost("logs", "shown").stdout)
    assert shared.roost("export", "shown", "--txt").stdout == b"hello\nworld\n"
    still = shared.roost("export", "shown", "--svg").stdout
    assert still.startswith(b"<svg ") and b">world<" in still


def test_what_cannot_be_exported_says_why(shared: Instance, tmp_path: Path) -> None:
    (tmp_path / "no.cast").write_text("hello\n")
    for arguments, words in (
        (("export", str(tmp_path / "none.cast"), "--txt"), b"there is no file"),
        (("export", str(tmp_path / "no.cast"), "--txt"), b"no asciicast"),
        (("export", str(tmp_path / "no.cast"), "-o", "x.webm"), b"--svg"),
        (("replay", str(tmp_path / "no.cast")), b"no asciicast"),
        (("replay", str(tmp_path / "none.cast")), b"there is no file"),
    ):
        done = shared.roost(*arguments, check=False)
        assert done.returncode != 0 and words in done.stderr, (arguments, done.stderr)
