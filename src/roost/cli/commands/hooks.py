"""`roost hooks`: what other programs are told, and what agents' own hooks tell roost."""

from __future__ import annotations

import json
import os
import tempfile

import click

from roost.cli.commands.hook_sinks import retry_command, status_command
from roost.cli.failures import say
from roost.core.agent_tools import REMARKS, SETTINGS, TOOLS, hook_settings, with_hooks
from roost.errors import InvalidError, RoostError


@click.group("hooks")
def hooks_command() -> None:
    """Hooks: sinks that events go to, and those of agents that tell roost what they do."""


hooks_command.add_command(status_command)
hooks_command.add_command(retry_command)


@hooks_command.command("install")
@click.argument("tool", type=click.Choice(TOOLS))
@click.option("--print", "only_print", is_flag=True, help="Show what to add to the tool's settings, change nothing.")
@click.option("--approvals", is_flag=True, help="Also ask roost where the tool would ask its user (roost approvals).")
def install_command(*, tool: str, only_print: bool, approvals: bool) -> int:
    """Let an agent's hooks become events of the session that it runs in (`roost emit --from TOOL`).

    With --approvals its requests for permission are answered by `roost approve` and `roost deny` (`roost ask --from
    TOOL`); when nobody does, the tool asks its user itself. Without --print the hooks are added to the settings of the
    tool in the home directory; what is there stays.
    """
    if only_print:
        print(json.dumps(hook_settings(tool, approvals=approvals), indent=2))
        say(f"this goes to ~/{SETTINGS[tool]}" + (f"; {REMARKS[tool]}" if tool in REMARKS else ""))
        return 0
    path = os.path.join(os.path.expanduser("~"), SETTINGS[tool])
    before = _read(path)
    after = with_hooks(before, tool, approvals=approvals)
    if after == before:
        say(f"{path} has them already")
        return 0
    _write(path, json.dumps(after, indent=2) + "\n")
    say(f"added to {path}" + (f"; {REMARKS[tool]}" if tool in REMARKS else ""))
    return 0


def _read(path: str) -> object:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidError(f"{path} cannot be read: {error}; add what --print shows by hand") from error


def _write(path: str, text: str) -> None:
    """Replace the file at once; where it is a link, what it leads to."""
    path = os.path.realpath(path)
    directory = os.path.dirname(path)
    try:
        os.makedirs(directory, exist_ok=True)
        mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o600
        fd, fresh = tempfile.mkstemp(dir=directory, prefix=".roost-")
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            os.fchmod(fd, mode)
            file.write(text)
        os.replace(fresh, path)
    except OSError as error:
        raise RoostError(f"{path} cannot be written: {error.strerror}; add what --print shows by hand") from error
