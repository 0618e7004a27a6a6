"""Process events of real processes: each one, of the session alone, by whatever mechanism the kernel allows."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.sources import observed

from roost.daemon.sources import process_kind
from roost.platform import proc_connector

ON_THE_WAY = "import subprocess; [subprocess.run(['/bin/true', str(i)]) for i in range({count})]"


def has_connector() -> bool:
    """Whether this kernel lets us use its process connector."""
    try:
        proc_connector.open_connector().close()
    except OSError:
        return False
    return True


needs_connector = pytest.mark.skipif(not has_connector(), reason="this kernel refuses the process connector")


@needs_connector
async def test_every_fork_exec_and_exit_of_a_storm_is_seen_and_nobody_elses(tmp_path: Path) -> None:
    async with observed() as o:
        session, other = o.session(tmp_path), o.session(tmp_path)
        await o.want("process", session=session)
        await asyncio.gather(session.do(ON_THE_WAY.format(count=200)), other.do(ON_THE_WAY.format(count=20)))
        await o.settle(session)
        forks, execs, exits = (o.of("process", kind) for kind in ("fork", "exec", "exit"))
        assert (len(forks), len(execs), len(exits)) == (200, 200, 200)
        assert {e.data["parent_pid"] for e in forks} == {session.process.pid}
        assert [e.data["pid"] for e in forks] == [e.data["pid"] for e in execs] == [e.data["pid"] for e in exits]
        assert all(e.session_id == session.id and e.grade == "exact" for e in o.of("process"))
        told = [e.data["argv"] for e in execs]
        assert all(argv in (None, ["/bin/true", str(number)]) for number, argv in enumerate(told))
        assert any(told)


@needs_connector
async def test_an_exit_says_code_or_signal_and_a_grandchild_counts_after_its_parent_has_ended(tmp_path: Path) -> None:
    async with observed() as o:
        session = o.session(tmp_path)
        await o.want("process")
        await session.do("subprocess.run(['sh', '-c', 'exit 7']); subprocess.run(['sh', '-c', 'kill -9 $$'])")
        await session.do("subprocess.run(['sh', '-c', '(sleep 0.05; exec sh -c \"exit 9\") & exit 0'])")
        await o.until(lambda: any(e.data["code"] == 9 for e in o.of("process", "exit")))
        ends = [(e.data["code"], e.data["signal"]) for e in o.of("process", "exit")]
        assert ends[:2] == [(7, None), (None, 9)]
        assert ends[-1] == (9, None)


@needs_connector
async def test_a_session_followed_from_before_its_start_misses_nothing(tmp_path: Path) -> None:
    async with observed() as o:
        o.processes.warm_up()  # as at a spawn whose processes are wanted: the keeper here is this process
        session = o.session(tmp_path)
        session.run(ON_THE_WAY.format(count=5))
        await o.want("process")
        o.processes.cool_down()
        execs = o.of("process", "exec")
        assert execs[0].data["pid"] == session.process.pid
        assert [e.type for e in o.of("process")[1:]] == ["fork", "exec", "exit"] * 5


@needs_connector
async def test_a_full_kernel_queue_is_a_gap_and_the_session_is_followed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = process_kind.ProcessWatch
    small = {"open_backend": lambda: proc_connector.open_connector(8192)}
    monkeypatch.setattr(process_kind, "ProcessWatch", lambda *args, **_: real(*args, **small))
    async with observed() as o:
        session = o.session(tmp_path)
        await o.want("process")
        hold = threading.Event()
        o.supervisor._kinds["process"].workers()[0].ask(hold.wait)  # type: ignore[arg-type]
        await session.do(ON_THE_WAY.format(count=100))
        hold.set()
        await o.until(lambda: o.of("process", "gap"))
        assert o.of("process", "gap")[0].data == {"reason": "kernel_queue_overflow", "missed": None}
        while not any(e.data["code"] == 3 for e in o.of("process", "exit")):  # others' processes fill the queue too
            await session.do("subprocess.run(['sh', '-c', 'exit 3'])")
            await o.settle(session)


async def test_without_the_connector_proc_is_sampled_and_every_event_says_so(
    tmp_path: Path,
) -> None:
    async with observed("proc-connector") as o:
        session = o.session(tmp_path)
        await o.want("process")
        await session.do("p = subprocess.Popen(['sleep', '60']); print(p.pid, file=sys.stderr)")
        await o.until(lambda: [e for e in o.of("process", "exec") if e.data["argv"] == ["sleep", "60"]])
        await session.do("p.kill(); p.wait()")
        await o.until(lambda: o.of("process", "exit"))
        assert {(e.grade, e.source) for e in o.of("process")} == {("sampled", "proc-sampling")}
        assert o.of("process", "exit")[0].data["code"] is None
        assert o.supervisor.status()[0]["why_not_exact"] == "not to be used"


async def test_a_source_runs_only_while_it_is_wanted_and_leaves_nothing_behind(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    async with observed() as o:
        session = o.session(tmp_path)
        await o.until(lambda: True)
        assert o.supervisor.status() == []
        assert not _source_threads()
        first = await o.want("process", "file")
        second = await o.want("process", session=session)
        assert len(_source_threads()) == 2
        first.close()
        await o.until(lambda: [one["category"] for one in o.supervisor.status()] == ["process"])
        second.close()
        await o.until(lambda: not _source_threads())
        passive = o.bus.subscribe(second.want, o.events.append, passive=True)
        await o.until(lambda: True)
        assert o.supervisor.status() == []
        passive.close()
    assert not _source_threads()
    assert set(os.listdir("/proc/self/fd")) - before == set()


async def test_sources_end_with_their_session_after_everything_was_told(tmp_path: Path) -> None:
    async with observed() as o:
        session = o.session(tmp_path)
        await o.want("process", "file")
        await session.do("subprocess.run(['sh', '-c', ': > last; exit 5'])")
        await asyncio.to_thread(session.end)
        await o.until(lambda: not o.supervisor.status())
        assert [e for e in o.of("file", "created") if e.data["path"].endswith("/last")]
        assert {e.data["pid"] for e in o.of("process", "exit")} >= {session.process.pid} or not has_connector()


async def test_an_exit_does_not_wait_for_ever_and_says_what_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roost.daemon.sources.supervisor.Supervisor.settle.__defaults__", (0.05,))
    async with observed() as o:
        session = o.session(tmp_path)
        await o.want("file")
        hold = threading.Event()
        o.files.workers()[-1].ask(hold.wait)  # type: ignore[arg-type]
        told: list[str] = []
        assert o.supervisor.defer_exit(session, lambda: told.append(o.of("file", "gap")[0].data["reason"]))  # type: ignore[arg-type]
        await asyncio.to_thread(session.end)
        await o.until(lambda: told)
        assert told == ["exit_told_first"], "the gap comes before the exit"
        hold.set()


async def test_a_failing_source_is_told_once_tried_again_and_said_to_be_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roost.daemon.sources.supervisor._RETRY_S", 0.02)
    failures = iter([OSError(24, "Too many open files"), OSError(24, "Too many open files"), None])
    async with observed() as o:
        real = o.processes.begin

        def begin(target: object, reports: object) -> None:
            if (error := next(failures)) is not None:
                raise error
            real(target, reports)  # type: ignore[arg-type]

        monkeypatch.setattr(o.processes, "begin", begin)
        o.session(tmp_path)
        await o.want("process")
        said = [(e.type, e.data["category"]) for e in o.of("daemon")]
        assert said == [("source_failed", "process"), ("source_recovered", "process")]
        assert o.supervisor.check()["ok"]


async def test_a_thread_that_crashes_harms_nobody_and_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roost.daemon.sources.supervisor._RETRY_S", 0.02)

    def crash() -> None:
        raise ValueError("for a test")

    async with observed() as o:
        session = o.session(tmp_path)
        await o.want("process", "file")
        for kind in (o.processes, o.files):
            kind.workers()[-1].ask(crash)
        await o.until(lambda: len(o.of("daemon", "source_recovered")) == 2)
        await session.do("open('after', 'w').close()")
        await o.until(lambda: o.of("file", "created"))


UNPRIVILEGED = """
import contextlib, os, subprocess, sys
from roost.platform.proc_connector import open_connector
with contextlib.suppress(PermissionError):
    os.setgid(65534); os.setuid(65534)
try:
    connector = open_connector()
except OSError as error:
    print("refused", error); sys.exit()
for _ in range(20):
    subprocess.run(["/bin/true"])
mine = {n.pid for n in connector.read(100000) if n.kind == "fork" and n.parent == os.getpid()}
print("seen", len(mine))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_an_unprivileged_user_is_told_everything_or_refused_clearly() -> None:
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED], env={"PYTHONPATH": path}, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith(("seen 20", "refused")), done


def _source_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.endswith(" events")]
