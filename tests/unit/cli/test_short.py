"""The short way takes what it understands, prints the same, and leaves the rest alone."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from roost.cli import entry, short
from roost.errors import NoRunError


@pytest.mark.parametrize(
    ("args", "parsed"),
    [
        (["--to", "b", "text"], ("b", ["text"], True, False)),
        (["--to=b", "two", "words"], ("b", ["two", "words"], True, False)),
        (["text", "--no-enter", "--to", "b"], ("b", ["text"], False, False)),
        (["--raw", "-"], ("", ["-"], False, True)),
        (["--", "--to"], ("", ["--to"], True, False)),
        ([], None),
        (["--to"], None),
        (["--json", "x"], None),
        (["--help"], None),
        (["-x"], None),
    ],
)
def test_send_command_lines(args: list[str], parsed: object) -> None:
    assert short.parse_send(args) == parsed


@pytest.mark.parametrize(
    ("args", "parsed"),
    [
        ([], ("", set())),
        (["b", "--view", "--lossless"], ("b", {"--view", "--lossless"})),
        (["--steal", "b"], ("b", {"--steal"})),
        (["b", "--view", "--steal"], None),
        (["b", "--tail", "5"], None),
        (["a", "b"], None),
        (["--help"], None),
    ],
)
def test_attach_command_lines(args: list[str], parsed: object) -> None:
    assert short.parse_attach(args) == parsed


def test_ls_json_is_the_daemons_array(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    answer = SimpleNamespace(result=b'{"sessions":[{"id":"s-1"}]}')
    asked: list[tuple[str, str]] = []

    def call(method: str, params: str) -> SimpleNamespace:
        asked.append((method, params))
        return answer

    monkeypatch.setattr(short.quick, "call", call)
    assert short.ls({"json", "all"}) == 0
    answer.result = b'{ "sessions": [] }'
    assert short.ls({"json"}) == 0
    assert capfd.readouterr().out == '[{"id":"s-1"}]\n[]\n'
    assert asked == [("sessions.list", '{"all":true}'), ("sessions.list", '{"all":false}')]


def test_errors_of_the_short_way_are_told_like_all_others(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise NoRunError("no session answers to 'x'; see `roost ls`")

    monkeypatch.setattr(short.quick, "send_input", refuse)
    monkeypatch.setattr(sys, "argv", ["roost", "send", "--to", "x", "hello"])
    assert entry.main() == 3
    assert capfd.readouterr() == ("", "roost: no session answers to 'x'; see `roost ls`\n")


def test_the_short_way_imports_neither_click_nor_what_is_dear() -> None:
    script = (
        "import sys, roost.cli.entry, roost.cli.short;"
        "print([m for m in ('click', 'json', 're', 'typing', 'dataclasses', 'socket', 'asyncio', 'google') "
        "if m in sys.modules])"
    )
    listed = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.strip() == "[]"
