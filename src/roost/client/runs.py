"""The registry of live runs, read without the daemon.

Owns the reading: records of processes that are gone are passed over and removed, those that cannot be read are passed
over and told. What a record says is `roost.core.run_record`.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from roost.core.run_record import MOST_BYTES, RunRecord, parse_record
from roost.errors import InvalidError
from roost.paths import Paths
from roost.platform.run_files import runs_still

SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class Registry:
    """What the registry held when it was read. corrupt: path and what is wrong with it."""

    runs: tuple[RunRecord, ...]
    corrupt: tuple[tuple[str, str], ...] = ()


def read_runs(directory: str) -> Registry:
    """Every live run of a registry's directory, oldest first; none when there is no such directory."""
    runs: list[RunRecord] = []
    corrupt: list[tuple[str, str]] = []
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(SUFFIX))
    except OSError:
        return Registry(())
    for name in names:
        path = os.path.join(directory, name)
        try:
            record = parse_record(_content(path))
        except FileNotFoundError:  # it ended just now
            continue
        except OSError as error:
            corrupt.append((path, error.strerror or str(error)))
        except InvalidError as error:
            corrupt.append((path, error.message))
        else:
            if runs_still(record.pid, record.start_ticks, record.boot_id):
                runs.append(record)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(path)
    return Registry(tuple(sorted(runs, key=lambda run: run.started_at)), tuple(corrupt))


def live_runs(scope: str | None = None) -> list[RunRecord]:
    """Every live run of a scope, oldest first, whether or not its daemon is there at the moment."""
    return list(read_runs(Paths.for_scope(scope).runs_dir).runs)


def _content(path: str) -> bytes:
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
        return file.read(MOST_BYTES + 1)
