"""`roost config`: is the configuration right, and what is in force."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from roost.cli.context import Invocation, json_option, pass_invocation
from roost.cli.failures import ERROR, OK, say
from roost.cli.output import print_json
from roost.core.shown import aligned, printable
from roost.paths import Paths

if TYPE_CHECKING:
    from roost.model.settings import ConfigInfo

_COLUMNS = ("KEY", "VALUE", "FROM")


@click.group("config")
def config_command() -> None:
    """Check and show `config.toml`. `roost daemon reload` applies a change."""


@config_command.command("check")
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@json_option
@pass_invocation
def check_command(invocation: Invocation, /, *, file: str | None, as_json: bool) -> int:
    """Say everything that is wrong with FILE (default: yours). Exits with 1 if anything is; needs no daemon."""
    from roost.core.config import read_config
    from roost.core.config_reading import ConfigError
    from roost.daemon.config_file import own_config_path, read_file, surroundings

    path = file or own_config_path()
    problems = []
    text = None
    try:
        text = read_file(path)
        read_config(text or "", path, surroundings(Paths.for_scope(invocation.scope)))
    except ConfigError as error:
        problems = [str(problem) for problem in error.problems]
    missing = text is None and not problems
    if as_json:
        print_json({"file": path, "exists": not missing, "problems": problems})
    else:
        for problem in problems:
            print(printable(problem))
        if not problems:
            say(f"{path} does not exist{'' if file else ': the defaults hold'}" if missing else f"{path} is right")
    return ERROR if problems or (missing and file) else OK


@config_command.command("show")
@json_option
@pass_invocation
def show_command(invocation: Invocation, /, *, as_json: bool) -> int:
    """Show every value in force in the daemon and where it comes from; without a daemon, in the next one."""
    from roost.client.faults import DaemonAbsentError

    try:
        with invocation.client(autostart=False) as client:
            config = client.config()
    except DaemonAbsentError:
        say("no daemon runs; this is what one started here would use")
        config = _own_view(invocation)
    if as_json:
        print_json(config)
        return OK
    rows = [(setting.key, json.dumps(setting.value, ensure_ascii=False), setting.origin) for setting in config.settings]
    print(f"{printable(config.file)}: {_in_force(config)}")
    print(aligned([_COLUMNS, *[tuple(map(printable, row)) for row in rows]]), end="")
    for problem in config.problems:
        say(problem)
    return OK


def _in_force(config: ConfigInfo) -> str:
    """What holds, in words; of a file with mistakes never that it is not there."""
    if config.problems:
        return "cannot be used as it is; " + _INSTEAD[config.origin]
    return "in force" if config.origin == "file" else "does not exist, the defaults are in force"


_INSTEAD = {
    "file": "what it said before is in force",
    "defaults": "the defaults are in force",
    "kept": "the last good one is in force",
}


def _own_view(invocation: Invocation) -> ConfigInfo:
    from roost.core.config import read_config
    from roost.daemon.config_file import own_config_path, read_file, surroundings
    from roost.model.settings import ConfigInfo, SettingInfo

    path = own_config_path()
    text = read_file(path)
    config = read_config(text or "", path, surroundings(Paths.for_scope(invocation.scope)))
    settings = tuple(SettingInfo(key=s.key, value=s.value, origin=s.origin) for s in config.settings)
    return ConfigInfo(file=path, origin="defaults" if text is None else "file", settings=settings)
