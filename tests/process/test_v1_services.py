"""The service calls of protocol v1 (50 to 59) against the real daemon: supervision, logs, and what survives."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
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
START, STOP, RESTART, DELETE, LIST, DESCRIBE, LOGS, FLUSH, SAVE, RESURRECT = range(50, 60)
FOREVER = ("sleep", "600")


@pytest.fixture
def clean(v1: V1Client) -> Iterator[None]:
    """No services before and after."""
    yield
    assert v1.request(DELETE, pb.ServiceDeleteRequest(target="all")).code == 0


def start(client: V1Client, name: str, *cmd: str, **config: object) -> pb.ServiceState:
    given = {"kill_timeout_ms": 500, "restart_delay_ms": 20, **config}
    answer = client.request(
        START,
        pb.ServiceStartRequest(config=pb.ServiceConfig(name=name, cmd=cmd, **given)),  # type: ignore[arg-type]
    )
    assert answer.code == 0, answer.message
    return answer.service_start.service


def refused(client: V1Client, **config: object) -> pb.DaemonResponse:
    answer = client.request(START, pb.ServiceStartRequest(config=pb.ServiceConfig(**config)))  # type: ignore[arg-type]
    assert answer.code != 0 and not answer.HasField("service_start")
    return answer


def state(client: V1Client, target: str) -> pb.ServiceState:
    answer = client.request(DESCRIBE, pb.ServiceDescribeRequest(target=target))
    assert answer.code == 0, answer.message
    return answer.service_describe.service


def until(client: V1Client, target: str, status: str, *, restarts: int = 0) -> pb.ServiceState:
    def look() -> pb.ServiceState | None:
        found = state(client, target)
        return found if found.status == status and found.restart_count >= restarts else None

    return eventually(look, what=f"{target} is {status} after {restarts} restarts")  # type: ignore[return-value]


def logs(client: V1Client, target: str, lines: int = 0) -> str:
    answer = client.request(LOGS, pb.ServiceLogsRequest(target=target, lines=lines))
    assert answer.code == 0, answer.message
    return answer.service_logs.log_text


def logged(client: V1Client, target: str, *wanted: str, lines: int = 0) -> str:
    def look() -> str:
        text = logs(client, target, lines)
        return text if all(piece in text for piece in wanted) else ""

    return eventually(look, what=f"{wanted} in the log of {target}")


def files(instance: Instance) -> Path:
    return Path(instance.status()["state_dir"]) / "services"  # type: ignore[arg-type]


def test_a_service_starts_is_shown_and_stops(v1: V1Client, clean: None) -> None:
    began = time.time()
    started = start(v1, "web", *FOREVER, cwd="/", max_restarts=3, min_uptime_ms=7)
    assert started.status == "online" and alive(started.pid) and started.restart_count == 0
    assert began - 1 < started.last_started_at < time.time() + 1 and started.last_exited_at == 0
    config = started.config
    assert (config.name, list(config.cmd), config.cwd, config.autorestart) == ("web", list(FOREVER), "/", False)
    assert (config.max_restarts, config.restart_delay_ms, config.kill_timeout_ms, config.min_uptime_ms) == (
        3,
        20,
        500,
        7,
    )
    listed = v1.request(LIST).service_list.services
    assert [s.name for s in listed] == ["web"] and listed[0] == state(v1, "web") == state(v1, str(started.id))

    answer = v1.request(STOP, pb.ServiceStopRequest(target=str(started.id)))
    assert (answer.code, answer.service_stop.stopped_count) == (0, 1)
    assert not alive(started.pid), "stop answers when the child is gone"
    stopped = state(v1, "web")
    assert (stopped.status, stopped.pid, stopped.last_exit_code) == ("stopped", 0, -signal.SIGTERM)
    assert v1.request(STOP, pb.ServiceStopRequest(target="web")).service_stop.stopped_count == 0


def test_what_cannot_be_is_refused(v1: V1Client, clean: None) -> None:
    assert refused(v1, name="", cmd=FOREVER).code == INVALID
    assert refused(v1, name="x", cmd=()).code == INVALID
    assert refused(v1, name="all", cmd=FOREVER).code == INVALID
    answer = v1.request(START)
    assert (answer.code, answer.message) == (INVALID, "missing service_start payload")
    assert v1.request(START, pb.ServiceStartRequest()).code == INVALID
    answer = v1.request(LOGS)
    assert (answer.code, answer.message) == (INVALID, "missing service_logs payload")
    assert len(v1.request(LIST).service_list.services) == 0
    start(v1, "web", *FOREVER)
    again = refused(v1, name="web", cmd=FOREVER)
    assert again.code == INVALID and "online" in again.message


def test_a_command_that_cannot_be_started_is_an_internal_error_that_leaves_no_service(
    v1: V1Client, clean: None, shared: Instance
) -> None:
    for config in ({"cmd": ["/nonexistent/program"]}, {"cmd": ["true"], "cwd": "/nonexistent"}):
        answer = refused(v1, name="bad", autorestart=True, **config)
        assert (answer.code, "nonexistent" in answer.message) == (INTERNAL, True)
        assert len(v1.request(LIST).service_list.services) == 0
    assert [file.name for file in files(shared).glob("bad*")] == []
    assert start(v1, "bad", *FOREVER).status == "online"


def test_a_known_service_that_cannot_be_started_by_another_definition_keeps_its_own(v1: V1Client, clean: None) -> None:
    known = start(v1, "web", *FOREVER)
    v1.request(STOP, pb.ServiceStopRequest(target="web"))
    answer = refused(v1, name="web", cmd=["/nonexistent/program"], autorestart=True)
    assert (answer.code, "it is stopped and defined as before" in answer.message) == (INTERNAL, True)
    kept = state(v1, "web")
    assert (kept.id, list(kept.config.cmd), kept.status) == (known.id, list(FOREVER), "stopped")


def test_a_restart_that_fails_says_that_it_is_tried_again_and_is(v1: V1Client, clean: None, tmp_path: Path) -> None:
    program, away = tmp_path / "program", tmp_path / "away"
    program.symlink_to("/bin/sleep")
    start(v1, "web", str(program), "600", autorestart=True)
    program.rename(away)
    answer = v1.request(RESTART, pb.ServiceRestartRequest(target="web"))
    assert (answer.code, str(program) in answer.message, "tried again" in answer.message) == (INTERNAL, True, True)
    away.rename(program)
    assert until(v1, "web", "online").pid


def test_unknown_targets_are_not_found_and_all_is_nobody_when_there_is_nobody(v1: V1Client, clean: None) -> None:
    for target in ("nobody", "77", ""):
        assert v1.request(STOP, pb.ServiceStopRequest(target=target)).code == NOT_FOUND
        assert v1.request(RESTART, pb.ServiceRestartRequest(target=target)).code == NOT_FOUND
        assert v1.request(DELETE, pb.ServiceDeleteRequest(target=target)).code == NOT_FOUND
        assert v1.request(DESCRIBE, pb.ServiceDescribeRequest(target=target)).code == NOT_FOUND
        assert v1.request(LOGS, pb.ServiceLogsRequest(target=target)).code == NOT_FOUND
    assert v1.request(FLUSH, pb.ServiceFlushRequest(target="nobody")).code == NOT_FOUND
    for number in (STOP, RESTART, DELETE, DESCRIBE):
        assert v1.request(number).code == NOT_FOUND, "a missing payload is an empty target"
    for number, payload in (
        (STOP, pb.ServiceStopRequest(target="all")),
        (RESTART, pb.ServiceRestartRequest(target="all")),
        (DELETE, pb.ServiceDeleteRequest(target="all")),
        (FLUSH, pb.ServiceFlushRequest(target="all")),
        (FLUSH, None),
    ):
        answer = v1.request(number, payload)
        assert answer.code == 0, answer.message


def test_a_crash_is_followed_by_a_restart(v1: V1Client, clean: None) -> None:
    first = start(v1, "web", *FOREVER, autorestart=True)
    os.kill(first.pid, signal.SIGKILL)
    second = until(v1, "web", "online", restarts=1)
    assert second.pid != first.pid and second.last_exit_code == -signal.SIGKILL


def test_without_autorestart_an_exit_is_the_end(v1: V1Client, clean: None) -> None:
    start(v1, "once", "sh", "-c", "exit 7")
    ended = eventually(lambda: (s := state(v1, "once")).last_exited_at and s)
    assert (ended.status, ended.pid, ended.last_exit_code, ended.restart_count) == ("stopped", 0, 7, 0)


def test_too_many_crashes_in_a_row_are_an_error_and_a_start_begins_anew(v1: V1Client, clean: None) -> None:
    start(v1, "bad", "sh", "-c", "echo run; exit 1", autorestart=True, max_restarts=2)
    ended = until(v1, "bad", "errored")
    assert (ended.restart_count, ended.pid, ended.last_exit_code) == (2, 0, 1)
    eventually(lambda: logs(v1, "bad").count("[stdout] run\n") == 3, what="three runs are in the log")
    assert start(v1, "bad", *FOREVER).restart_count == 0


def test_backing_off_one_service_delays_no_other(v1: V1Client, clean: None) -> None:
    start(v1, "slow", "false", autorestart=True, restart_delay_ms=60_000)
    eventually(lambda: state(v1, "slow").last_exited_at, what="it has crashed")
    first = start(v1, "quick", *FOREVER, autorestart=True)
    os.kill(first.pid, signal.SIGKILL)
    until(v1, "quick", "online", restarts=1)
    assert state(v1, "slow").status == "stopped"
    assert start(v1, "slow", *FOREVER).status == "online", "one that waits can be started at once"


def test_stop_gives_the_grace_then_kills_and_restart_and_delete_count(v1: V1Client, clean: None) -> None:
    stubborn = start(v1, "stubborn", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    eventually(lambda: "ready" in logs(v1, "stubborn"))
    began = time.monotonic()
    assert v1.request(STOP, pb.ServiceStopRequest(target="stubborn")).service_stop.stopped_count == 1
    assert time.monotonic() - began >= 0.5 and not alive(stubborn.pid)
    assert state(v1, "stubborn").last_exit_code == -signal.SIGKILL
    other = start(v1, "other", *FOREVER)
    assert v1.request(RESTART, pb.ServiceRestartRequest(target="all")).service_restart.restarted_count == 2
    assert state(v1, "other").restart_count == 1 and state(v1, "other").pid not in (0, other.pid)
    pids = [s.pid for s in v1.request(LIST).service_list.services]
    assert v1.request(DELETE, pb.ServiceDeleteRequest(target="all")).service_delete.deleted_count == 2
    assert not any(map(alive, pids)) and len(v1.request(LIST).service_list.services) == 0


def test_ids_are_not_given_twice(v1: V1Client, clean: None) -> None:
    first = start(v1, "a", *FOREVER).id
    v1.request(DELETE, pb.ServiceDeleteRequest(target="a"))
    assert start(v1, "a", *FOREVER).id > first


def test_env_is_laid_over_the_daemons_environment(v1: V1Client, clean: None) -> None:
    start(v1, "env", "sh", "-c", 'echo "$EXTRA in $HOME"', env={"EXTRA": "more"})
    eventually(lambda: f"[stdout] more in {os.environ['HOME']}\n" in logs(v1, "env"))


def test_logs_show_both_streams_with_prefixes_and_limits(v1: V1Client, shared: Instance, clean: None) -> None:
    start(v1, "chatty", "sh", "-c", "seq 300; seq 1000 1002 >&2; printf open")
    text = logged(v1, "chatty", "[stdout] open\n", "1002")
    rows = text.splitlines()
    assert rows == [f"[stdout] {n}" for n in (*range(202, 301), "open")] + [f"[stderr] {n}" for n in range(1000, 1003)]
    assert logs(v1, "chatty", 1) == "[stdout] open\n[stderr] 1002\n"
    assert (files(shared) / "chatty-out.log").read_text().endswith("300\nopen")
    start(v1, "wide", "sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x; echo; for i in $(seq 90); do "
          "head -c 1000 /dev/zero | tr '\\0' y; echo; done; seq 5 >&2")  # fmt: skip
    text = logged(v1, "wide", "[stderr] 5", "y", lines=1000)
    assert len(text) <= 64 * 1024 and max(map(len, text.splitlines())) <= 4096 + len("[stdout] ")


def test_flush_empties_the_files_and_the_service_writes_on(v1: V1Client, shared: Instance, clean: None) -> None:
    start(v1, "tick", "sh", "-c", "echo before; read x; echo after")
    eventually(lambda: "before" in logs(v1, "tick"))
    answer = v1.request(FLUSH, pb.ServiceFlushRequest(target="tick"))
    assert (answer.code, answer.service_flush.flushed_count) == (0, 1)
    assert logs(v1, "tick") == ""
    with shared.client() as client:
        client.send("tick", "go", enter=True)
    eventually(lambda: logs(v1, "tick") == "[stdout] after\n", what="only what came afterwards is there")


def test_save_and_resurrect(v1: V1Client, instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        answer = client.request(RESURRECT)
        assert answer.code == NOT_FOUND
        start(client, "web", *FOREVER, autorestart=True)
        start(client, "idle", *FOREVER)
        client.request(STOP, pb.ServiceStopRequest(target="idle"))
        saved = client.request(SAVE).service_save
        assert saved.service_count == 2 and json.loads(Path(saved.snapshot_path).read_bytes())
        client.request(DELETE, pb.ServiceDeleteRequest(target="all"))
        for _ in range(2):
            assert client.request(RESURRECT).service_resurrect.restored_count == 2
        assert state(client, "web").status == "online" and state(client, "idle").status == "stopped"
        Path(saved.snapshot_path).write_text("{")
        assert client.request(RESURRECT).code == INTERNAL


def test_a_service_is_a_session_of_that_name(v1: V1Client, shared: Instance, clean: None) -> None:
    pid = start(v1, "web", *FOREVER, autorestart=True).pid
    with shared.client() as client:
        info = client.get("web")
        assert (info.pid, info.kind, info.service, info.running) == (pid, "pipe", "web", True)
        client.terminate(older_than_s=0)
        assert alive(pid), "ending all sessions in passing ends no service"
    row = next(line for line in shared.roost("ls").stdout.decode().splitlines() if " web " in line)
    assert " service " in row
    assert shared.roost("restart", "web", check=False).returncode == 1
    assert v1.request(73, pb.BulkTerminateSessionsRequest()).code == 0
    assert alive(pid)


def test_an_end_from_outside_is_one_to_be_judged(v1: V1Client, shared: Instance, clean: None) -> None:
    pid = start(v1, "web", *FOREVER, autorestart=True).pid
    shared.roost("kill", "web")
    assert until(v1, "web", "online", restarts=1).pid != pid
    start(v1, "once", *FOREVER)
    shared.roost("kill", "once")
    ended = until(v1, "once", "stopped")
    assert ended.last_exit_code == -signal.SIGTERM and ended.restart_count == 0


def test_of_many_starts_at_once_one_wins_and_one_child_runs(shared: Instance, v1: V1Client, clean: None) -> None:
    config = pb.ServiceConfig(name="race", cmd=FOREVER, kill_timeout_ms=500)

    def ask(_: int) -> int:
        with V1Client(shared.socket) as client:
            return int(client.request(START, pb.ServiceStartRequest(config=config)).code)

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(ask, range(8)))
    assert sorted(codes) == sorted([0] + [INVALID] * 7)
    with shared.client() as client:
        assert len([s for s in client.list(all=False) if s.service == "race"]) == 1
    assert len(v1.request(LIST).service_list.services) == 1


def test_a_registry_that_cannot_be_used_costs_the_services_and_nothing_else(instance: Instance) -> None:
    state_dir = Path(str(instance.status()["state_dir"]))
    with V1Client(instance.socket) as client:
        client.call("daemon.stop")
    eventually(lambda: instance.status_or_none() is None)
    (state_dir / "services.sqlite3").write_bytes(b"no database" * 100)
    instance.start()
    with V1Client(instance.socket) as client:
        answer = client.request(LIST)
        assert answer.code == INTERNAL and "services.sqlite3" in answer.message
        assert refused(client, name="web", cmd=FOREVER).code == INTERNAL
        assert client.spawn_pipe("true").pid


def test_a_service_survives_the_daemon_and_its_supervision_goes_on(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        first = start(client, "web", "sh", "-c", "echo up; exec sleep 600", autorestart=True)
        start(client, "down", *FOREVER)
        client.request(STOP, pb.ServiceStopRequest(target="down"))
    instance.kill_daemon()
    with V1Client(instance.socket) as client:
        found = state(client, "web")
        assert (found.pid, found.status, found.restart_count) == (first.pid, "online", 0)
        assert state(client, "down").status == "stopped" and refused(client, name="web", cmd=FOREVER).code == INVALID
        os.kill(first.pid, signal.SIGKILL)
        assert until(client, "web", "online", restarts=1).pid != first.pid
        eventually(lambda: logs(client, "web").count("up") == 2)


def test_an_exit_while_no_daemon_lives_is_noticed_and_handled(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        web = start(client, "web", *FOREVER, autorestart=True)
        once = start(client, "once", "sh", "-c", "read line; exit 5")
        client.call("daemon.stop")
    eventually(lambda: instance.status_or_none() is None)
    os.kill(web.pid, signal.SIGKILL)
    os.kill(once.pid, signal.SIGTERM)
    eventually(lambda: not alive(web.pid) and not alive(once.pid))
    instance.start()
    with V1Client(instance.socket) as client:
        assert until(client, "web", "online", restarts=1).last_exit_code == -signal.SIGKILL
        assert (s := state(client, "once")).status == "stopped" and s.last_exit_code == -signal.SIGTERM


def test_a_stop_that_the_daemons_death_interrupts_is_finished_by_the_next(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        pid = start(client, "web", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done",
                    kill_timeout_ms=1500, autorestart=True).pid  # fmt: skip
        eventually(lambda: "ready" in logs(client, "web"))
        with V1Client(instance.socket) as other, ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(other.request, STOP, pb.ServiceStopRequest(target="web"))
            eventually(lambda: client.call("services.describe", target="web")["state"] == "stopping")
            instance.kill_daemon()
            with pytest.raises((EOFError, OSError)):
                waiting.result()
    with V1Client(instance.socket) as client:
        until(client, "web", "stopped")
        eventually(lambda: not alive(pid))
        assert state(client, "web").restart_count == 0


def test_shutdown_stops_services_softly_and_the_next_daemon_shows_them_stopped(instance: Instance) -> None:
    marker = instance.root / "ended"
    with V1Client(instance.socket) as client:
        start(client, "web", "sh", "-c", f"trap 'echo bye > {marker}; exit 0' TERM; echo ready; "
              "while :; do sleep 0.05; done", autorestart=True)  # fmt: skip
        eventually(lambda: "ready" in logs(client, "web"))
        assert client.request(41, pb.ShutdownRequest()).code == 0
    assert marker.read_text() == "bye\n"
    eventually(lambda: instance.status_or_none() is None)
    instance.start()
    with V1Client(instance.socket) as client:
        assert (s := state(client, "web")).status == "stopped" and s.last_exit_code == 0


def test_a_keeper_that_dies_costs_one_restart_and_leaves_no_second_run(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        first = start(client, "web", *FOREVER, autorestart=True)
        status = client.call("daemon.status")
    os.kill(status["keeper_pid"], signal.SIGKILL)
    eventually(lambda: (s := instance.status_or_none()) and s["keeper_pid"] != status["keeper_pid"])
    instance.note_pids()
    with V1Client(instance.socket) as client:
        second = until(client, "web", "online", restarts=1)
        assert second.pid != first.pid and not alive(first.pid)
