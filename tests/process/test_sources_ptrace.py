"""Process events by ptrace: every one with its argv, and nobody is ever left standing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.instance import alive, eventually
from support.sources import Observed, observed

from roost.daemon.sources import gate


def may_ptrace() -> bool:
    """Whether this kernel lets us follow our own children."""
    code = "from roost.platform import ptrace; import sys; ptrace.seize(int(sys.argv[1]))"
    child = subprocess.Popen(["sleep", "60"])
    try:
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", code, str(child.pid)], env=environ, capture_output=True)
        return done.returncode == 0
    finally:
        child.kill()
        child.wait()


pytestmark = pytest.mark.skipif(not may_ptrace(), reason="this kernel refuses ptrace of other processes")


def helper_of(o: Observed) -> int:
    """The pid of the helper."""
    helper = o.processes._traces[next(iter(o.processes._traces))]._helper
    assert helper is not None
    return helper.pid


async def test_every_fork_exec_and_exit_is_told_and_every_argv_is_known(tmp_path: Path) -> None:
    async with observed() as o:
        session = o.session(tmp_path, exact=True)
        await o.want("process")
        assert o.supervisor.status()[0]["source"] == "ptrace"
        await session.do("[subprocess.run(['/bin/true', str(i)]) for i in range(200)]")
        await o.until(lambda: len(o.of("process", "exit")) == 200)
        assert [e.data["argv"] for e in o.of("process", "exec")] == [["/bin/true", str(i)] for i in range(200)]
        assert {e.data["parent_pid"] for e in o.of("process", "fork")} == {session.process.pid}
        assert {(e.data["code"], e.grade, e.source) for e in o.of("process", "exit")} == {(0, "exact", "ptrace")}


async def test_signals_stops_and_threads_go_on_as_if_nobody_looked(tmp_path: Path) -> None:
    async with observed() as o:
        session = o.session(tmp_path, exact=True)
        session.run("p = subprocess.Popen(['sleep', '60'])")
        await o.want("process")
        await session.do("import threading; [threading.Thread(target=lambda: None).start() for _ in range(20)]")
        await session.do("q = subprocess.Popen(['sleep', '60']); os.kill(q.pid, 19)")
        await o.until(lambda: o.of("process", "fork"))
        stopped = o.of("process", "fork")[0].data["pid"]
        await o.until(lambda: _state(stopped) in "tT")
        await session.do("os.kill(q.pid, 18); q.terminate(); assert q.wait() == -15; p.kill(); assert p.wait() == -9")
        await o.until(lambda: len(o.of("process", "exit")) == 2)
        assert [e.data["signal"] for e in o.of("process", "exit")] == [15, 9]
        assert len(o.of("process", "fork")) == 1, "threads are no processes"


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_a_helper_that_is_killed_or_ended_leaves_nobody_standing(tmp_path: Path, how: str) -> None:
    async with observed() as o:
        session = o.session(tmp_path, exact=True)
        wish = await o.want("process")
        helper = helper_of(o)
        await session.do("p = subprocess.Popen(['sh', '-c', 'while :; do /bin/true; done'])")
        await o.until(lambda: len(o.of("process", "exec")) > 20)
        if how == "killed":
            os.kill(helper, signal.SIGKILL)
            await o.until(lambda: o.of("process", "gap"))
            seen = len(o.of("process"))
            await o.until(lambda: len(o.of("process")) > seen + 20)
            assert o.events[-1].source != "ptrace", "it goes on by another mechanism"
        else:
            wish.close()
            await o.until(lambda: not o.supervisor.status())
        eventually(lambda: not alive(helper))
        await session.do("p.kill(); p.wait(); subprocess.run(['true'], check=True)")


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_the_gate_becomes_the_program_when_nobody_comes(tmp_path: Path) -> None:
    code = f"import runpy, sys; sys.argv = sys.argv[1:]; g = runpy.run_path({gate.__file__!r}); "
    run = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        code + "g['main'].__globals__['WAIT_S'] = 0; sys.exit(g['main']())",
        "gate",
    ]
    script = tmp_path / "script"
    script.write_text("echo without interpreter $1\n")
    script.chmod(0o755)
    environ = {"PATH": os.environ["PATH"], "LANG": "C", "ODD": "a=b"}

    def out(*argv: str) -> tuple[int, str, str]:
        done = subprocess.run([*run, *argv], env=environ, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    assert out("sh", "-c", "echo $ODD ${LC_CTYPE-none}; exit 3") == (3, "a=b none\n", "")
    assert out(str(script), "x") == (0, "without interpreter x\n", "")
    assert out("no-such-program") == (127, "", "roost: no-such-program: No such file or directory\n")
    assert out(str(tmp_path))[0] == 126
