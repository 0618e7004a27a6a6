"""Where `roost` begins. The commands that are typed all day take a short way that imports little.

Owns the choice between the short way and the command tree, and the last word on errors.
"""

from __future__ import annotations

import os
import sys

_LS_FLAGS = {"--all": "all", "-a": "all", "--json": "json"}


def main() -> int:
    """Runs the command line of this process and returns its exit code."""
    args = sys.argv[1:]
    if not (sys.stdin and sys.stdout and sys.stderr):
        from roost.platform.standard_streams import open_missing

        open_missing()
    try:
        code = _short_way(args)
        if code is None:
            from roost.cli.app import run_app

            code = run_app(args)
            _flush()
        return code
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the edge: no traceback reaches a user
        from roost.cli.failures import report

        return report(error)


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        error.filename = "standard output"
        raise


def _short_way(args: list[str]) -> int | None:
    """The exit code if the short way could take this command line, else None: nothing has been done then."""
    if not args or "_ROOST_COMPLETE" in os.environ:
        return None
    if args[0] == "ls" and all(flag in _LS_FLAGS for flag in args[1:]):
        from roost.cli.short import ls

        return ls({_LS_FLAGS[flag] for flag in args[1:]})
    if args[0] == "send":
        from roost.cli.short import parse_send, send

        request = parse_send(args[1:])
        return None if request is None else send(*request)
    if args[0] == "attach":
        from roost.cli.short import attach, parse_attach

        wish = parse_attach(args[1:])
        return None if wish is None else attach(*wish)
    return None


if __name__ == "__main__":
    sys.exit(main())
