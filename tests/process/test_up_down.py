"""roost service, roost up and roost down against the real daemon."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from support.instance import Instance, alive, eventually

from roost.client import AsyncClient
from roost.core.service import Definition, Health
from roost.errors import InvalidError, NoRunError, WaitTimeoutError, WrongStateError

SLEEP = 'cmd = ["sleep", "600"]\nkill_timeout = "500ms"\nrestart_delay = "20ms"\n'


@pytest.fixture
def one(shared: Instance, tmp_path: Path):  # type: ignore[no-untyped-def]
    """The shared roost without services, before and after, and a directory for a roost.toml."""
    yield shared
    with shared.client() as client:
        client.services.delete("all")


def write(directory: Path, text: str) -> str:
    path = directory / "roost.toml"
    path.write_text(text)
    return str(path)


def service(name: str, text: str = SLEEP) -> str:
    return f'[[service]]\nname = "{name}"\n{text}\n'


def states(instance: Instance) -> dict[str, str]:
    return {entry["name"]: entry["state"] for entry in instance.json("service", "ls")}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_up_is_idempotent_and_restarts_what_has_changed(one: Instance, tmp_path: Path) -> None:
    file = write(tmp_path, service("a", SLEEP + 'depends_on = ["b"]\n') + service("b") + service("c"))
    steps = one.json("up", "-f", file)
    assert [(s["service"], s["change"]) for s in steps] == [("b", "started"), ("a", "started"), ("c", "started")]
    pids = {s["service"]: s["pid"] for s in steps}
    again = one.json("up", "-f", file)
    assert {s["service"]: s["pid"] for s in again} == pids and {s["change"] for s in again} == {"unchanged"}
    write(tmp_path, Path(file).read_text().replace('name = "c"\n', 'name = "c"\nenv = { NEW = "1" }\n'))
    changed = {s["service"]: s for s in one.json("up", "-f", file)}
    assert changed["c"]["change"] == "restarted" and changed["c"]["pid"] != pids["c"] and not alive(pids["c"])
    assert changed["a"]["pid"] == pids["a"]
    shown = one.roost("up", "-f", file, "a").stdout.decode()
    assert shown == f"b: up to date (pid {pids['b']})\na: up to date (pid {pids['a']})\n"
    down = one.json("down", "-f", file)
    assert [s["service"] for s in down] == ["c", "a", "b"]
    assert set(states(one).values()) == {"stopped"} and not any(map(alive, pids.values()))
    assert one.json("up", "-f", file, "b")[0]["change"] == "started"
    assert states(one) == {"a": "stopped", "b": "online", "c": "stopped"}
    one.roost("down", "-f", file, "--delete")
    assert states(one) == {}
    assert {s["change"] for s in one.json("down", "-f", file)} == {"not there"}


def test_up_waits_for_health_and_for_work_that_is_done_first(one: Instance, tmp_path: Path) -> None:
    go, trace = tmp_path / "go", tmp_path / "trace"
    port = free_port()
    file = write(
        tmp_path,
        f"""
[[service]]
name = "web"
cmd = ["sh", "-c", "echo web >> {trace}; exec sleep 600"]
depends_on = [{{ service = "db", condition = "healthy" }}, {{ service = "migrate", condition = "exited" }}]
health.http = "http://127.0.0.1:{port}/"

[[service]]
name = "migrate"
cmd = "echo migrate >> {trace}"
restart = "on-failure"
depends_on = [{{ service = "db", condition = "healthy" }}]

[[service]]
name = "db"
cmd = ["sh", "-c", "sleep 0.3; touch {go}; exec python3 -m http.server --bind 127.0.0.1 {port}"]
cwd = "/var/empty/.."
[service.health]
command = ["sh", "-c", "test -e {go} && echo db >> {trace}"]
interval = "50ms"
""",
    )
    done = one.roost("up", "-f", file, "--wait").stdout.decode()
    words = [line.split(" (")[0] for line in done.splitlines()]
    assert words[:2] == ["db: started", "db: waiting until it is healthy"]
    assert "migrate: started" in words and "web: started" in words
    trace_lines = list(dict.fromkeys(trace.read_text().split()))
    assert trace_lines == ["db", "migrate", "web"]
    listed = {entry["name"]: entry for entry in one.json("service", "ls")}
    assert listed["db"]["health"] == "healthy" == listed["web"]["health"]
    assert (listed["migrate"]["state"], listed["migrate"]["exit_code"]) == ("exited", 0)
    assert {s["service"]: s["change"] for s in one.json("up", "-f", file)}["migrate"] == "done"
    table = one.roost("service", "ls").stdout.decode()
    assert "exited 0" in table and "healthy" in table


def test_a_condition_that_cannot_be_met_ends_up_with_an_error(one: Instance, tmp_path: Path) -> None:
    file = write(
        tmp_path,
        service("a", SLEEP + 'depends_on = [{ service = "job", condition = "exited" }]\n')
        + service("job", 'cmd = "exit 3"\nrestart = "never"\n'),
    )
    failed = one.roost("up", "-f", file, check=False)
    assert failed.returncode == 4 and b"job' is exited with 3" in failed.stderr
    assert "a" not in states(one)
    file = write(
        tmp_path,
        service("x", SLEEP + 'depends_on = [{ service = "y", condition = "healthy" }]\n')
        + service("y", SLEEP + 'health = { command = ["false"], interval = 0.05, retries = 2, start_period = 0 }\n'),
    )
    failed = one.roost("up", "-f", file, check=False)
    assert failed.returncode == 4 and b"unhealthy" in failed.stderr


def test_a_bad_file_changes_nothing_and_names_the_place(one: Instance, tmp_path: Path) -> None:
    file = write(tmp_path, service("a") + 'comand = "x"\n')
    failed = one.roost("up", "-f", file, check=False)
    assert failed.returncode == 1 and f"{file}:7: service.comand: unknown key".encode() in failed.stderr
    missing = one.roost("up", "-f", str(tmp_path / "none.toml"), check=False)
    assert missing.returncode == 1 and b"none.toml cannot be read" in missing.stderr
    assert one.roost("up", "-f", write(tmp_path, service("a")), "b", check=False).returncode == 1
    assert states(one) == {}


def test_health_goes_bad_and_comes_back(one: Instance, tmp_path: Path) -> None:
    flag = tmp_path / "sick"
    health = Health(command=("test", "!", "-e", str(flag)), interval_s=0.02, retries=2, start_period_s=0.0)
    with one.client() as client:
        client.services.start(Definition("h", ("sleep", "600"), health=health, kill_timeout_ms=500))
        client.services.wait("h", "healthy", 10)
        flag.touch()
        eventually(lambda: client.services.describe("h").health == "unhealthy")
        assert client.services.describe("h").health_detail == "test ended with 1"
        assert client.services.describe("h").state == "online", "health only tells"
        flag.unlink()
        eventually(lambda: client.services.describe("h").health == "healthy")


def test_a_tcp_check_and_a_check_that_hangs(one: Instance) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, one.client() as client:
        tcp = Health(tcp=f"127.0.0.1:{server.getsockname()[1]}", interval_s=0.05)
        hangs = Health(command=("sleep", "600"), interval_s=0.01, timeout_s=0.05, retries=1, start_period_s=0.0)
        refuses = Health(http=f"http://127.0.0.1:{free_port()}/", interval_s=0.01, retries=1, start_period_s=0.0)
        for name, health in (("t", tcp), ("s", hangs), ("r", refuses)):
            client.services.start(Definition(name, ("sleep", "600"), health=health, kill_timeout_ms=500))
        client.services.wait("t", "healthy", 10)
        for name in ("s", "r"):
            eventually(lambda name=name: client.services.describe(name).health == "unhealthy")  # type: ignore[misc]
        assert client.services.describe("s").health_detail == "no answer within 0.05 s"


def test_logs_rotate(one: Instance) -> None:
    script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exec sleep 600"
    with one.client() as client:
        define = Definition("r", ("sh", "-c", script), log_bytes=8192, log_keep=2, kill_timeout_ms=500)
        (info,) = client.services.start(define)
        eventually(lambda: "line 2999\n" in client.services.logs("r"))
        out = Path(info.out_log)
        sizes = [Path(f"{out}{end}").stat().st_size for end in ("", ".1", ".2")]
        assert all(size <= 8192 for size in sizes) and not Path(f"{out}.3").exists()
        assert client.services.logs("r", lines=500).count("\n") == 500, "lines come from the rotated file too"
        client.services.flush("r")
        assert client.services.logs("r") == "" and not Path(f"{out}.1").exists()


def test_back_off_doubles_and_is_forgotten_after_an_uptime(one: Instance) -> None:
    define = Definition(
        "b", ("sh", "-c", "echo run; exit 1"), restart_delay_ms=100, max_restarts=3, min_uptime_ms=60_000
    )
    with one.client() as client:
        began = time.monotonic()
        client.services.start(define)
        eventually(lambda: client.services.describe("b").state == "errored")
        assert time.monotonic() - began >= 0.7, "100, 200 and 400 ms"
        info = client.services.describe("b")
        assert (info.restarts, info.crashes) == (3, 4) and "4 times in a row" in info.reason
        define = Definition("b", ("sleep", "0.03"), restart_delay_ms=10, max_restarts=1, min_uptime_ms=10)
        client.services.start(define)
        eventually(lambda: client.services.describe("b").restarts > 3, what="each run counts as long enough")


def test_policies_differ_in_what_they_start_again(one: Instance) -> None:
    def run(name: str, restart: str, code: int) -> Definition:
        return Definition(name, ("sh", "-c", f"exit {code}"), restart=restart, restart_delay_ms=10, max_restarts=1)

    with one.client() as client:
        for restart in ("always", "on-failure", "never"):
            for code in (0, 1):
                client.services.start(run(f"{restart}{code}", restart, code))

        def all_settled() -> bool:
            return not {s.state for s in client.services.list()} - {"exited", "errored"}

        eventually(all_settled)
        found = {s.name: (s.state, s.restarts) for s in client.services.list()}
    assert found == {
        "always0": ("errored", 1),
        "always1": ("errored", 1),
        "on-failure0": ("exited", 0),
        "on-failure1": ("errored", 1),
        "never0": ("exited", 0),
        "never1": ("exited", 0),
    }


def test_the_command_line_of_services(one: Instance, tmp_path: Path) -> None:
    options = ("--name", "w", "--cwd", str(tmp_path), "--env", "A=b", "--kill-timeout", "500ms", "--json")
    command = ("sh", "-c", "echo $A; pwd; exec sleep 600")
    (started,) = json.loads(one.roost("service", "start", *options, "--", *command).stdout)
    assert started["state"] == "online" and started["definition"]["cwd"] == str(tmp_path)
    eventually(lambda: one.roost("service", "logs", "w").stdout.decode() == f"[stdout] b\n[stdout] {tmp_path}\n")
    assert one.roost("service", "start", "w", check=False).returncode == 1
    assert one.roost("service", "start", "w", "--json", check=False).returncode == 2
    assert one.json("service", "restart", "w")[0]["restarts"] == 1
    described = one.roost("service", "describe", "w").stdout.decode()
    assert "online" in described and str(tmp_path) in described
    path = one.roost("service", "save").stdout.decode().strip()
    assert Path(path).exists()
    one.roost("service", "stop", "w")
    one.roost("service", "delete", "all")
    one.roost("service", "resurrect")
    assert states(one) == {"w": "online"}
    one.roost("service", "flush")
    assert one.roost("service", "stop", "nobody", check=False).returncode == 3


def test_a_session_that_has_the_name_already_is_no_obstacle(one: Instance) -> None:
    with one.client() as client:
        other = client.spawn(["sleep", "600"], name="taken")
        client.services.start(Definition("taken", ("sleep", "600"), kill_timeout_ms=500))
        names = {info.name: info.service for info in client.list(all=False)}
        assert names["taken"] is None and names["taken-2"] == "taken"
        client.terminate(other.id)


def test_a_run_that_leaves_processes_behind_is_cleared_away_before_the_next(one: Instance, tmp_path: Path) -> None:
    left = tmp_path / "left"
    script = f"sleep 600 & echo $! >> {left}; exec sleep 600"
    with one.client() as client:
        define = Definition("l", ("sh", "-c", script), restart_delay_ms=10, kill_timeout_ms=300)
        (info,) = client.services.start(define)
        eventually(left.exists)
        first = int(eventually(left.read_text).split()[0])
        os.kill(info.pid, signal.SIGKILL)
        eventually(lambda: client.services.describe("l").restarts == 1)
        eventually(lambda: not alive(first))
        assert len([s for s in client.list() if s.service == "l"]) <= 2, "old runs are forgotten"


async def test_the_async_client_has_the_same_verbs(one: Instance) -> None:
    async with AsyncClient(one.socket, autostart=False) as client:
        await client.services.start(Definition("a", ("sleep", "600"), kill_timeout_ms=500))
        assert (await client.services.wait("a", "started", 5)).pid
        with pytest.raises(InvalidError):
            await client.services.start("a")
        with pytest.raises(WaitTimeoutError):
            await client.services.wait("a", "exited", 0.05)
        with pytest.raises(InvalidError):
            await client.services.wait("a", "healthy")
        assert [s.state for s in await client.services.stop("a")] == ["stopped"]
        with pytest.raises(WrongStateError):
            await client.services.wait("a", "started")
        await client.services.delete("a")
        with pytest.raises(NoRunError):
            await client.services.describe("a")


def test_unknown_fields_of_a_definition_are_refused(one: Instance) -> None:
    from support.v1 import V1Client

    with V1Client(one.socket) as client:
        for config in (
            {"name": "a", "cmd": ["x"], "comand": 1},
            {"name": "a", "cmd": "x"},
            {"name": "a", "cmd": ["x"], "health": {"tcp": "a:1", "x": 1}},
            {"name": "a", "cmd": ["x"], "health": {}},
            {"name": "a", "cmd": ["x"], "restart": "sometimes"},
            {"cmd": ["x"]},
        ):
            with pytest.raises(AssertionError, match="invalid"):
                client.call("services.start", config=config)
        with pytest.raises(AssertionError, match="invalid"):
            client.call("services.start")
