"""Where `running-process-daemon` begins. `start`, which has to be quick, is read here; the rest is `commands`'."""

from __future__ import annotations

import sys

from roost.dropin.places import Place
from roost.errors import RoostError
from roost.platform.standard_streams import open_missing

_START_FLAGS = ("--scope", "--socket-path", "--db-path", "--service")


def main() -> int:
    """Run the command line of this process; its exit code."""
    args = sys.argv[1:]
    open_missing()
    try:
        given = read_start(args)
        if given is not None:
            from roost.dropin.start import start

            place = Place(given.get("--scope"), given.get("--socket-path"), given.get("--db-path"))
            return start(place, service=given.get("--service"))
        from roost.dropin.commands import run

        return run(args)
    except RoostError as error:
        print(f"running-process-daemon: {error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def read_start(args: list[str]) -> dict[str, str] | None:
    """The flags of a plain `start`; None for every other command line, and for one with something odd in it."""
    if not args or args[0] != "start":
        return None
    given: dict[str, str] = {}
    rest = iter(args[1:])
    for arg in rest:
        flag, equals, value = arg.partition("=")
        if flag not in _START_FLAGS:
            return None
        following = value if equals else next(rest, None)
        if following is None:
            return None
        given[flag] = following
    return given


if __name__ == "__main__":
    sys.exit(main())
