"""A daemon without descriptors refuses what is new, names the next step, and goes on for what is there."""

from __future__ import annotations

import resource

import pytest
from support.instance import Instance

from roost.errors import RoostError


def test_sessions_beyond_the_descriptors_are_refused_and_the_others_can_be_ended(instance: Instance) -> None:
    with instance.client() as client:
        pid = client.status().pid
        for number in (pid, client.status().keeper_pid):
            resource.prlimit(number, resource.RLIMIT_NOFILE, (80, 80))
        started = []
        with pytest.raises(RoostError, match="too many open files in the daemon: end or purge sessions") as refused:
            while len(started) < 40:
                started.append(client.spawn(["sleep", "1000"]))
        assert refused.value.kind == "exhausted" and started
        assert all(result.outcome == "soft" for result in client.terminate(*[s.id for s in started], grace_s=5))
        client.purge()
        assert client.spawn(["true"]).wait(10).code == 0, "there is room again"
        assert client.status().pid == pid
