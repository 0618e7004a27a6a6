"""The registry of live runs beside a real daemon: there while the program lives, whoever else dies."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from support.instance import Instance, eventually

from roost.client.runs import Registry, read_runs


def registry(instance: Instance) -> Registry:
    return read_runs(str(instance.root / "run/roost/runs"))


def test_a_run_is_registered_while_it_lives_and_also_by_the_next_daemon(instance: Instance) -> None:
    runs = instance.root / "run/roost/runs"
    with instance.client() as client:
        session = client.spawn(["sleep", "1000"], name="one", labels={"agent": "robot"})
        (run,) = eventually(lambda: registry(instance).runs)
        assert (run.session_id, run.name, run.agent, run.pid) == (session.id, "one", "robot", session.pid)
        assert run.addr == f"unix:{instance.root}/run/roost/http.sock"
        assert (runs.stat().st_mode & 0o777, (runs / f"{session.id}.json").stat().st_mode & 0o777) == (0o700, 0o600)
        instance.kill_daemon()
        assert registry(instance).runs[0].session_id == session.id
        os.kill(run.pid, signal.SIGKILL)
        eventually(lambda: not os.listdir(runs))


def test_the_doctor_tells_of_a_corrupt_record_and_nobody_stumbles_over_it(instance: Instance) -> None:
    bad = Path(instance.root / "run/roost/runs/bad.json")
    bad.write_bytes(b'{"pid":')
    with instance.client() as client:
        client.spawn(["sleep", "1000"], name="one")
        eventually(lambda: registry(instance).runs)
    done = instance.roost("doctor", "--json", check=False)
    (check,) = [c for c in json.loads(done.stdout)["checks"] if c["name"] == "registry of runs"]
    assert (check["ok"], str(bad) in check["detail"], check["advice"]) == (False, True, f"remove it with `rm {bad}`")
