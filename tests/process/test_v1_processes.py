"""The process calls of protocol v1 (10 to 12, 20 to 22, 30, 31) and roost's own, against the real daemon."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.instance import Instance, alive, eventually
from support.v1 import V1Client

from roost.wire import daemon_v1_pb2 as pb

INVALID, NOT_FOUND, INTERNAL = (
    pb.STATUS_CODE_INVALID_ARGUMENT,
    pb.STATUS_CODE_NOT_FOUND,
    pb.STATUS_CODE_INTERNAL,
)
ALIVE, DEAD, ZOMBIE = pb.PROCESS_STATE_ALIVE, pb.PROCESS_STATE_DEAD, pb.PROCESS_STATE_ZOMBIE

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start processes that are ended with the test."""
    with contextlib.ExitStack() as stack:

        def begin(*argv: str) -> subprocess.Popen[bytes]:
            child = subprocess.Popen(argv or ("sleep", "600"), stdout=subprocess.PIPE, stdin=subprocess.PIPE)
            stack.enter_context(child)
            stack.callback(child.kill)
            return child

        yield begin


@pytest.fixture
def clean(v1: V1Client) -> Iterator[None]:
    """No entries before and after."""
    yield
    for entry in listed(v1):
        v1.request(11, pb.UnregisterRequest(pid=entry.pid))


def register(client: V1Client, pid: int, **fields: object) -> pb.DaemonResponse:
    given = {"created_at": 0.0, "command": "prog", "kind": "subprocess", "containment": "contained", **fields}
    return client.request(10, pb.RegisterRequest(pid=pid, **given))  # type: ignore[arg-type]


def listed(client: V1Client) -> list[pb.TrackedProcess]:
    answer = client.request(20, pb.ListActiveRequest())
    assert answer.code == 0 and answer.HasField("list_active"), answer.message
    return list(answer.list_active.processes)


def entry_of(client: V1Client, pid: int) -> pb.TrackedProcess | None:
    return next((p for p in listed(client) if p.pid == pid), None)


def zombies(client: V1Client, *, dry_run: bool) -> dict[int, pb.ZombieReport]:
    answer = client.request(30, pb.KillZombiesRequest(dry_run=dry_run))
    assert answer.code == 0 and answer.HasField("kill_zombies"), answer.message
    return {z.pid: z for z in answer.kill_zombies.zombies}


def unused_pid() -> int:
    with open("/proc/sys/kernel/pid_max") as file:
        return int(file.read()) + 5


# --- registry ---------------------------------------------------------------------------------------------------------


def test_a_registered_process_is_listed_as_it_was_told_and_as_it_is(v1: V1Client, clean: None, start: Start) -> None:
    child, now = start(), time.time()
    answer = register(v1, child.pid, created_at=now, command="run me", cwd="/x", originator="tool:a", kind="pty")
    assert answer.code == 0 and answer.HasField("register") and answer.message == ""
    entry = entry_of(v1, child.pid)
    assert entry is not None
    assert (entry.command, entry.cwd, entry.originator, entry.kind) == ("run me", "/x", "tool:a", "pty")
    assert entry.containment == "contained" and entry.created_at == pytest.approx(now, abs=0.001)
    assert entry.state == ALIVE and entry.parent_alive
    assert 0 <= entry.uptime_seconds < 20 and abs(entry.registered_at - now) < 20
    assert abs(entry.last_validated_at - time.time()) < 20


def test_state_and_parent_are_looked_up_and_not_constants(v1: V1Client, clean: None, start: Start) -> None:
    zombie = start("true")
    register(v1, zombie.pid)
    assert eventually(lambda: (e := entry_of(v1, zombie.pid)) and e.state == ZOMBIE)
    zombie.wait()
    gone = entry_of(v1, zombie.pid)
    assert gone is not None and gone.state == DEAD
    parent = start("sh", "-c", "sleep 600 & echo $!; wait")
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    register(v1, child)
    entry = entry_of(v1, child)
    assert entry is not None and entry.parent_alive
    parent.kill()
    parent.wait()
    try:
        entry = entry_of(v1, child)
        assert entry is not None and entry.state == ALIVE and not entry.parent_alive
    finally:
        os.kill(child, signal.SIGKILL)


def test_bad_registrations_are_refused(v1: V1Client, clean: None) -> None:
    assert (register(v1, 0).code, register(v1, 5, command="").code) == (INVALID, INVALID)
    assert register(v1, 5, created_at=float("nan")).code == INVALID
    for number, name in ((10, "register"), (11, "unregister"), (12, "spawn_daemon"), (21, "list_by_originator")):
        answer = v1.request(number)
        assert answer.code == INVALID and answer.message == f"missing {name} payload", answer
        assert not answer.HasField(name)
    for number in (22, 30, 31):
        assert v1.request(number).code == INVALID
    assert v1.request(20).code == 0


def test_unregister_forgets_once(v1: V1Client, clean: None, start: Start) -> None:
    child = start()
    register(v1, child.pid)
    assert v1.request(11, pb.UnregisterRequest(pid=child.pid)).HasField("unregister")
    answer = v1.request(11, pb.UnregisterRequest(pid=child.pid))
    assert answer.code == NOT_FOUND and not answer.HasField("unregister")
    assert alive(child.pid)


def test_order_is_that_of_registration_and_filters_are_a_prefix_with_colon(v1: V1Client, clean: None) -> None:
    base = unused_pid()
    for at, originator in enumerate(("tool:1", "tool2:1", "tool", "tool:2")):
        register(v1, base + 9 - at, originator=originator, created_at=1.0)
    assert [p.pid - base for p in listed(v1)] == [9, 8, 7, 6]
    answer = v1.request(21, pb.ListByOriginatorRequest(tool="tool"))
    assert [p.pid - base for p in answer.list_by_originator.processes] == [9, 6]
    assert v1.request(42).status.tracked_process_count == 4


def test_the_registry_survives_a_sigkill_of_the_daemon(instance: Instance, start: Start) -> None:
    child = start()
    with V1Client(instance.socket) as client:
        register(client, child.pid, originator="tool:a")
        answer = client.request(12, pb.SpawnDaemonRequest(command="exec sleep 600"))
        spawned = answer.spawn_daemon.pid
    instance.kill_daemon()
    with V1Client(instance.socket) as client:
        states = {p.pid: p.state for p in listed(client)}
        assert states == {child.pid: ALIVE, spawned: ALIVE}
        os.kill(spawned, signal.SIGKILL)
        eventually(lambda: entry_of(client, spawned) is None, what="the next daemon notices the exit")


# --- zombies ----------------------------------------------------------------------------------------------------------


def test_a_reused_pid_is_reported_and_forgotten_and_nobody_is_killed(v1: V1Client, clean: None, start: Start) -> None:
    bystander = start()
    register(v1, bystander.pid, created_at=time.time() - 5)
    entry = entry_of(v1, bystander.pid)
    assert entry is not None and entry.state == DEAD
    report = zombies(v1, dry_run=True)[bystander.pid]
    assert "reused" in report.reason and not report.killed and entry_of(v1, bystander.pid)
    report = zombies(v1, dry_run=False)[bystander.pid]
    assert "reused" in report.reason and not report.killed
    assert entry_of(v1, bystander.pid) is None
    assert alive(bystander.pid)


def test_gone_entries_count_as_killed_and_healthy_ones_are_left(v1: V1Client, clean: None, start: Start) -> None:
    healthy, pid = start(), unused_pid()
    register(v1, healthy.pid, created_at=time.time())
    register(v1, pid, command="long gone", created_at=5.0)
    report = zombies(v1, dry_run=True)
    assert set(report) == {pid} and not report[pid].killed
    report = zombies(v1, dry_run=False)
    assert report[pid].killed and report[pid].command == "long gone" and "no longer exists" in report[pid].reason
    assert [p.pid for p in listed(v1)] == [healthy.pid] and alive(healthy.pid)


def test_an_orphan_is_killed_only_when_asked_and_never_when_detached(v1: V1Client, clean: None, start: Start) -> None:
    tool, contained, detached = start(), start(), start()
    # started after the tool, and on its behalf: its pid stands in the originator
    register(v1, contained.pid, originator=f"tool:{tool.pid}")
    register(v1, detached.pid, originator=f"tool:{tool.pid}", containment="detached")
    assert zombies(v1, dry_run=True) == {}
    tool.kill()
    tool.wait()
    report = zombies(v1, dry_run=True)
    assert set(report) == {contained.pid} and "orphaned" in report[contained.pid].reason
    assert alive(contained.pid)
    assert zombies(v1, dry_run=False)[contained.pid].killed
    assert contained.wait() == -signal.SIGKILL
    assert alive(detached.pid) and [p.pid for p in listed(v1)] == [detached.pid]


# --- trees ------------------------------------------------------------------------------------------------------------


def test_a_tree_is_drawn_and_an_unknown_pid_is_said(v1: V1Client, start: Start) -> None:
    parent = start("sh", "-c", "sleep 601 & echo $!; wait")
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    drawn = v1.request(22, pb.GetProcessTreeRequest(pid=parent.pid)).get_process_tree.tree_display.splitlines()
    assert drawn[0] == f"sh (pid={parent.pid}) sh -c sleep 601 & echo $!; wait"
    assert drawn[1] == f"└── sleep (pid={child}) sleep 601"
    answer = v1.request(22, pb.GetProcessTreeRequest(pid=unused_pid()))
    assert answer.code == 0 and answer.get_process_tree.tree_display == f"Process {unused_pid()} not found"
    v1.request(31, pb.KillTreeRequest(pid=parent.pid))


def test_kill_tree_reaches_every_descendant_and_forgets_the_pid(v1: V1Client, clean: None, start: Start) -> None:
    script = "for i in 1 2 3; do sh -c 'sleep 600 & setsid sleep 600 & echo $!; wait' & done; echo up; wait"
    root = start("sh", "-c", script)
    assert root.stdout is not None
    lines = [root.stdout.readline() for _ in range(4)]
    strays = [int(line) for line in lines if line != b"up\n"]
    register(v1, root.pid, created_at=time.time())
    answer = v1.request(31, pb.KillTreeRequest(pid=root.pid, timeout_seconds=5))
    assert answer.code == 0 and answer.kill_tree.processes_killed == 10
    assert root.wait() == -signal.SIGKILL
    assert not any(alive(pid) for pid in strays)
    assert entry_of(v1, root.pid) is None


def test_no_child_of_one_that_keeps_forking_escapes(v1: V1Client, start: Start) -> None:
    mark = f"600.{os.getpid()}"
    root = start("sh", "-c", f"echo up; while :; do sleep {mark} & sleep 0.002; done")
    assert root.stdout is not None
    root.stdout.readline()
    assert v1.request(31, pb.KillTreeRequest(pid=root.pid)).kill_tree.processes_killed >= 1
    assert root.wait() == -signal.SIGKILL
    assert running_with(mark) == []


def running_with(argument: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if argument.encode() in path.read_bytes().split(b"\0") and alive(int(path.parent.name)):
                found.append(int(path.parent.name))
    return found


def test_kill_tree_of_an_unknown_or_reused_pid_kills_nobody(v1: V1Client, clean: None, start: Start) -> None:
    answer = v1.request(31, pb.KillTreeRequest(pid=unused_pid()))
    assert answer.code == 0 and answer.HasField("kill_tree") and answer.kill_tree.processes_killed == 0
    bystander = start()
    register(v1, bystander.pid, created_at=time.time() - 100)
    answer = v1.request(31, pb.KillTreeRequest(pid=bystander.pid))
    assert answer.code == 0 and answer.kill_tree.processes_killed == 0
    assert alive(bystander.pid) and entry_of(v1, bystander.pid) is None


def test_roost_itself_and_init_are_not_killed(v1: V1Client, shared: Instance) -> None:
    status = shared.status()
    for pid in (1, status["pid"], status["keeper_pid"]):
        answer = v1.request(31, pb.KillTreeRequest(pid=pid))
        assert answer.code == INVALID and not answer.HasField("kill_tree")


def test_others_are_served_while_a_tree_is_being_killed(shared: Instance, v1: V1Client, start: Start) -> None:
    """Pings go on in the middle of many kills."""
    children = [start() for _ in range(8)]

    def kill(child: subprocess.Popen[bytes]) -> int:
        with V1Client(shared.socket) as client:
            return client.request(31, pb.KillTreeRequest(pid=child.pid)).kill_tree.processes_killed

    with ThreadPoolExecutor(8) as pool:
        killed = [pool.submit(kill, child) for child in children]
        slowest = 0.0
        while not all(k.done() for k in killed):
            before = time.monotonic()
            v1.request(40)
            slowest = max(slowest, time.monotonic() - before)
    assert [k.result() for k in killed] == [1] * 8
    assert slowest < 1.0


# --- spawn_daemon -----------------------------------------------------------------------------------------------------


def spawn(client: V1Client, command: str, **fields: object) -> pb.DaemonResponse:
    return client.request(12, pb.SpawnDaemonRequest(command=command, **fields))  # type: ignore[arg-type]


def test_a_detached_command_has_its_own_session_and_is_tracked_until_it_exits(
    v1: V1Client, clean: None, tmp_path: Path
) -> None:
    told, fifo = tmp_path / "told", tmp_path / "go"
    os.mkfifo(fifo)
    script = f"  ls -l /proc/self/fd/ > {told}; pwd >> {told}; env >> {told}; read x < {fifo}; exit 3  "
    before = time.time()
    answer = spawn(v1, script, cwd=str(tmp_path), originator="tool:9", clear_inherited_env=True)
    assert answer.code == 0, answer.message
    got = answer.spawn_daemon
    assert got.command == script.strip() and got.cwd == str(tmp_path) and got.containment == "detached"
    assert got.originator == "tool:9" and got.created_at == int(got.created_at) and abs(got.created_at - before) < 3
    entry = entry_of(v1, got.pid)
    assert entry is not None and (entry.kind, entry.containment, entry.state) == ("subprocess", "detached", ALIVE)
    assert os.getsid(got.pid) == got.pid
    with fifo.open("w") as go:
        go.write("x\n")
    eventually(lambda: entry_of(v1, got.pid) is None, what="the exit is noticed")
    assert not Path(f"/proc/{got.pid}").exists()  # reaped
    text = told.read_text()
    assert text.count("/dev/null") >= 2 and "socket:" not in text and f"\n{tmp_path}\n" in text
    assert "RUNNING_PROCESS_IS_DAEMON=1" in text and "RUNNING_PROCESS_ORIGINATOR=tool:9" in text
    assert "XDG_RUNTIME_DIR" not in text


def test_defaults_and_refusals_of_detached_commands(v1: V1Client, clean: None) -> None:
    got = spawn(v1, "exec sleep 600").spawn_daemon
    assert got.originator == "tester"
    eventually(lambda: Path(f"/proc/{got.pid}/comm").read_text() == "sleep\n", what="the login shell is ready")
    assert v1.request(31, pb.KillTreeRequest(pid=got.pid)).kill_tree.processes_killed == 1
    eventually(lambda: entry_of(v1, got.pid) is None)
    assert spawn(v1, "  \n").code == INVALID
    assert spawn(v1, "true", cwd="/does/not/exist").code == INTERNAL
    answer = spawn(v1, "true", environment_policy=9)
    assert answer.code == INVALID and answer.message == "unknown environment policy"
    assert not answer.HasField("spawn_daemon")


def test_environment_entries_come_in_order_over_the_base(v1: V1Client, clean: None, tmp_path: Path) -> None:
    told = tmp_path / "env"
    env = [pb.KeyValue(key="A", value="1"), pb.KeyValue(key="A", value="2")]
    spawn(v1, f"env > {told}.new; mv {told}.new {told}", env=env, environment_policy=1)
    text = eventually(lambda: told.exists() and told.read_text())
    assert "\nA=2\n" in f"\n{text}" and "XDG_RUNTIME_DIR=" in text and "ROOST_" not in text


def test_the_soft_limit_of_open_files_is_the_clients(v1: V1Client, clean: None, tmp_path: Path) -> None:
    import resource

    told = tmp_path / "limit"
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    spawn(v1, f"read x < {fifo}; ulimit -S -n > {told}.new; mv {told}.new {told}")
    fifo.write_text("x\n")
    text = eventually(lambda: told.exists() and told.read_text())
    assert int(text) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


# --- roost's own calls and commands -----------------------------------------------------------------------------------


def test_roost_calls_say_the_same_and_more(v1: V1Client, clean: None, start: Start) -> None:
    child = start()
    register(v1, child.pid, originator=f"tool:{os.getpid()}")
    (entry,) = v1.call("processes.list", originator="tool")["processes"]
    assert entry["pid"] == child.pid and entry["state"] == "alive" and entry["parent_pid"] == os.getpid()
    assert v1.call("processes.list", originator="too")["processes"] == []
    assert f"(pid={child.pid})" in v1.call("processes.tree")["tree"]
    assert v1.call("processes.tree", pid=child.pid)["tree"].startswith("sleep")
    assert v1.call("processes.zombies", dry_run=True) == {"zombies": []}
    assert v1.call("processes.kill_tree", pid=child.pid) == {"killed": 1}
    answer = v1.request(1000, pb.RoostCall(method="processes.kill_tree", params=json.dumps({"pid": 1}).encode()))
    assert answer.code == INVALID and answer.roost.error_kind == "invalid"


def test_the_command_line_lists_and_draws(shared: Instance, v1: V1Client, clean: None, start: Start) -> None:
    child = start()
    register(v1, child.pid, originator="tool:x", command="evil\x1b[2Jname")
    (entry,) = shared.json("ps")
    assert entry["pid"] == child.pid and entry["state"] == "alive"
    table = shared.roost("ps").stdout.decode().splitlines()
    assert table[0].split() == ["PID", "STATE", "PARENT", "AGE", "KIND", "ORIGINATOR", "COMMAND"]
    assert table[1].split()[:3] == [str(child.pid), "alive", "alive"] and "\x1b" not in table[1]
    drawn = shared.roost("ps", "--tree", str(child.pid)).stdout.decode()
    assert drawn == f"sleep (pid={child.pid}) sleep 600\n"
    assert f"(pid={shared.status()['keeper_pid']})" in shared.json("ps", "--tree")["tree"]
    assert shared.roost("ps", "5", check=False).returncode == 2


def test_a_registry_that_cannot_be_used_is_said_and_everything_else_works(instance: Instance) -> None:
    instance.end()
    other = Instance()
    try:
        path = other.root / "no-database"
        path.write_bytes(b"letters" * 1000)
        other.start("--db-path", str(path))
        with V1Client(other.socket) as client:
            answer = register(client, os.getpid())
            assert answer.code == INTERNAL and str(path) in answer.message and not answer.HasField("register")
            assert client.request(42).status.db_path == str(path)
            assert client.spawn("true").pid
        assert path.read_bytes() == b"letters" * 1000
    finally:
        other.end()
