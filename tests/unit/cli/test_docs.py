"""docs/cli.md has every command and every option that there is, and none that there is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from roost.cli.app import COMMANDS, root

PAGE = (Path(__file__).parents[3] / "docs/cli.md").read_text()
ROWS = [re.split(r"(?<!\\)\|", line) for line in PAGE.splitlines() if line.startswith("| `")]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that lead to it."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def documented(path: tuple[str, ...]) -> set[str]:
    """What the rows of a command name as options."""
    found: set[str] = set()
    for _, head, *cells in ROWS:
        heads = [tuple(words.replace("\\", "").split()) for words in re.findall(r"`([^`]+)`", head)]
        if any(_leads_to(words, path) for words in heads):
            found |= set(re.findall(r"(?<![\w-])(--?[a-zA-Z][\w-]*)", " ".join((head, cells[0]))))
            found.add("")
    return found


def _leads_to(words: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return len(words) >= len(path) and all(one in word.split("|") for one, word in zip(path, words, strict=False))


def test_every_command_is_documented_with_its_options() -> None:
    """The page has a row of each command; each option is there by one of its names, and none that there is not."""
    wrong = []
    for path, command in commands(root):
        told = documented(path)
        named = [set(p.opts) for p in command.params if isinstance(p, click.Option) and not p.hidden]
        missing = [sorted(names) for names in named if not told & names]
        absent = sorted(told - set().union({""}, *named))
        if not told or missing or absent:
            wrong.append((" ".join(path), missing, absent))
    assert wrong == []


def test_the_list_of_commands_names_modules_that_have_them() -> None:
    """The list that `roost --help` shows without importing anything is true."""
    assert all(root.get_command(click.Context(root), name) for name in COMMANDS)
