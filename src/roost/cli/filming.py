"""Pictures for `roost export`: the process that makes them, and what its end says.

Owns the process. The emulator in it may end it; that is told like any other error.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass

from roost.errors import RoostError, UnavailableError, error_of_kind

_TOLD = 3


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """What to make: see `roost.film.__main__`."""

    format: str
    still: bool = False
    at_us: int | None = None
    fps: float = 15.0
    idle_limit_us: int | None = None
    speed: float = 1.0
    theme: str = "dark"
    font: str = ""


def make_picture(cast_file: str, order: PictureOrder) -> bytes:
    """The picture of a recording. Raises RoostError with the reason when it cannot be made."""
    command = [sys.executable, "-m", "roost.film", cast_file, json.dumps(asdict(order))]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode == 0:
        return done.stdout
    if done.returncode == _TOLD:
        told = json.loads(done.stderr)
        raise error_of_kind(told["kind"], told["message"])
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise UnavailableError(f"the terminal emulator ended with {name} on this recording; nothing was written")
    last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    raise RoostError(f"the picture could not be made: {last}", kind="internal")
