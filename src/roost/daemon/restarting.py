"""Starting a session again as it was started: what of it is known still, and whether that is enough.

Owns the way back from a session to what a client once asked for. Knows nothing of how sessions are ended or started.
"""

from __future__ import annotations

from roost.daemon.record import Launch
from roost.daemon.session import Session
from roost.daemon.spawning import SpawnSpec
from roost.daemon.tee import spec_again
from roost.errors import InvalidError, WrongStateError


def check_restart(session: Session) -> None:
    """Raises WrongStateError when it is not known how it was started, InvalidError for the run of a service."""
    record = session.record
    if record.service:
        raise InvalidError(
            f"session {record.name} is the run of a service; use `roost service restart {record.service}`"
        )
    if not record.launch:
        raise WrongStateError(f"session {record.name} cannot be restarted: its environment was too large to keep")


def restart_spec(session: Session) -> SpawnSpec:
    """The same again, under the same name: command, environment, size, labels, tees and what areas were asked for."""
    record = session.record
    launch = Launch.unpack(record.launch)
    return SpawnSpec(
        argv=launch.argv,
        kind=record.kind,
        originator=record.originator,
        cwd=launch.cwd,
        entries=launch.env,
        clear=True,
        rows=session.rows,
        cols=session.cols,
        merged=record.merged,
        name=record.name,
        ring_bytes=record.ring_bytes,
        size_policy=record.size_policy,
        labels=record.labels,
        term=record.term,
        umask=launch.umask,
        limits=launch.limits,
        tees=[spec_again(tee) for tee in record.tees],
        options=record.options,
        v1=record.v1,
    )
