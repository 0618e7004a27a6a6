"""The verbs about the daemon and what it keeps beside sessions: configuration, hooks, tees, registered processes.

Owns nothing: mixed into the client. What the calls say is in `calls`, `hook_calls`, `tee_calls` and `process_calls`.
"""

from __future__ import annotations

import builtins
from typing import Any, Unpack

from roost import model
from roost.client import calls, hook_calls, process_calls, tee_calls
from roost.client.keywords import TeeKeywords, Text
from roost.client.opening import tee_from
from roost.client.verbs import Verbs


class DaemonVerbs(Verbs):
    """Of a client."""

    def ping(self) -> float:
        """Asks the daemon for a sign of life; returns its clock, in Unix seconds."""
        return self._perform(calls.Ping())

    def status(self) -> model.DaemonStatus:
        """What the daemon says of itself."""
        return self._perform(calls.status())

    def stop(self, *, kill: bool = False, restart: bool = False, program: str = "", timeout_s: float = 10.0) -> int:
        """Stops the daemon; sessions run on in the keeper unless `kill`. Returns how many are left.

        With `restart` the keeper starts it again and attached clients wait for it; else they are detached. With a
        `program`, a Python, its process becomes the daemon of the installation which that one has.
        """
        left = self._perform(calls.stop(kill=kill, restart=restart, program=program, timeout_s=timeout_s))
        self.close()
        return left

    def upgrade_keeper(self) -> dict[str, Any]:
        """Has the keeper re-execute itself in place, without losing a child or a byte."""
        return self._perform(calls.upgrade_keeper())

    def doctor(self) -> builtins.list[model.Check]:
        """What the daemon finds when it examines itself and its surroundings."""
        return self._perform(calls.doctor())

    def config(self) -> model.ConfigInfo:
        """The configuration in force in the daemon, and where each value comes from."""
        return self._perform(hook_calls.show_config())

    def reload_config(self) -> model.ConfigInfo:
        """Has the daemon read its configuration again; InvalidError says what is wrong, and nothing changed then."""
        return self._perform(hook_calls.reload_config())

    def hooks(self) -> builtins.list[model.SinkInfo]:
        """How the sinks of events are doing."""
        return self._perform(hook_calls.show_hooks())

    def retry_hooks(self, name: str | None = None) -> dict[str, int]:
        """Has one sink, or all, try again what it did not take, dead letters too; how many events each has to try."""
        return self._perform(hook_calls.retry_hooks(name))

    def add_tee(self, target: str, path: Text, **options: Unpack[TeeKeywords]) -> model.TeeInfo:
        """Copies a stream of a session to a file, from its next byte on; goes on across restarts of the daemon."""
        return self._perform(tee_calls.add_tee(target, tee_from(path, options)))

    def tees(self, target: str | None = None) -> builtins.list[model.TeeInfo]:
        """The tees of a session, ended ones too; of all sessions without a target."""
        return self._perform(tee_calls.list_tees(target))

    def remove_tee(self, target: str, handle: int) -> model.TeeInfo:
        """Ends a tee when its file has what was written up to now; what it was."""
        return self._perform(tee_calls.remove_tee(target, handle))

    def processes(self, *, originator: str | None = None) -> builtins.list[model.ProcessInfo]:
        """The process registry, oldest entry first; `originator` keeps those that begin with it and a colon."""
        return self._perform(process_calls.list_processes(originator))

    def process_tree(self, pid: int | None = None) -> str:
        """The tree below a process, drawn; without a pid everything that is roost's."""
        return self._perform(process_calls.process_tree(pid))

    def kill_tree(self, pid: int, *, timeout_s: float = 3.0) -> int:
        """Kills a process and everything below it at once; how many were reached. A reused pid is left alone."""
        return self._perform(process_calls.kill_tree(pid, timeout_s))

    def kill_zombies(self, *, dry_run: bool = False) -> builtins.list[model.ZombieInfo]:
        """Forgets entries whose process is gone and kills orphans; with `dry_run` only tells."""
        return self._perform(process_calls.kill_zombies(dry_run=dry_run))
