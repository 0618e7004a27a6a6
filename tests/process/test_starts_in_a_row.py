"""Starts that are answered before the daemon has taken the session in: nobody can tell, whatever they ask next."""

from __future__ import annotations

import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.events import EventReader, call, journal, types
from support.instance import Instance, alive, eventually
from support.v1 import V1Client

from roost.client import Client
from roost.daemon.spawning import SLICE_US
from roost.errors import InvalidError, NoRunError
from roost.platform.slices import shorten_slice

SLEEP = ["/bin/sleep", "1000"]


def test_whatever_is_asked_next_finds_the_session(client: Client) -> None:
    asks = (
        lambda s: client.get(s.id),
        lambda s: client.get(s.name),
        lambda s: client.get(str(s.pid)),
        lambda s: next(found for found in client.list() if found.id == s.id),
        lambda s: client.send(s.id, b"x"),
        lambda s: client.resize(s.id, 30, 90),
        lambda s: client.signal(s.id, "CONT"),
        lambda s: client.rename(s.id, f"{s.name}-renamed"),
        lambda s: client.logs(s.id),
        lambda s: s.attach().close(),
    )
    for ask in asks:
        session = client.spawn(SLEEP)
        ask(session)
    first, second, third = (client.spawn(SLEEP) for _ in range(3))
    found = {s.id: s for s in client.list()}
    for session in (first, second, third):
        assert (found[session.id].name, found[session.id].pid) == (session.name, session.pid)
    assert len({first.name, second.name, third.name}) == 3


def test_somebody_elses_request_finds_it_too(shared: Instance, client: Client) -> None:
    with shared.client() as other:
        for _ in range(20):
            session = client.spawn(SLEEP)
            assert other.get(session.id).pid == session.pid


def test_a_name_or_an_id_is_taken_from_the_answer_on(shared: Instance, client: Client) -> None:
    session = client.spawn(SLEEP, name="only-one", spawn_id="in-a-row")
    with pytest.raises(InvalidError, match="already called"):
        client.spawn(SLEEP, name="only-one")
    again = client.spawn(SLEEP, spawn_id="in-a-row")
    assert (again.id, again.existing) == (session.id, True)
    other = client.spawn(SLEEP)
    with pytest.raises(InvalidError, match="already called"):
        client.rename(other.id, "only-one")
    assert client.spawn(SLEEP, name="only-two").name == "only-two"


def test_a_start_that_was_refused_gives_its_name_back(client: Client) -> None:
    for _ in range(3):
        with pytest.raises(NoRunError):
            client.spawn(["/no/such/program"], name="given-back")
    assert client.spawn(SLEEP, name="given-back").name == "given-back"


def test_starts_are_told_in_order_and_before_what_is_done_with_them(shared: Instance) -> None:
    with V1Client(shared.socket) as client:
        ids = [client.spawn("sleep", "1000").session_id for _ in range(6)]
        call(client, "sessions.rename", target=ids[-1], name="told-last")
        seen = [event for event in journal(client) if event["session_id"] in ids]
    order = [event["session_id"] for event in seen if event["type"] == "started"]
    assert order == ids
    assert types([event for event in seen if event["session_id"] == ids[-1]]) == ["spawned", "started", "renamed"]


def test_who_listens_after_the_answer_is_not_told_of_the_start(shared: Instance) -> None:
    with V1Client(shared.socket) as client:
        before = client.spawn("sleep", "1000").session_id
        with EventReader(shared.socket, categories=["lifecycle"]) as reader:
            after = client.spawn("true").session_id
            told = reader.until(lambda event: event["type"] == "exited" and event["session_id"] == after)
    assert before not in {event["session_id"] for event in told}


def test_a_short_child_that_nobody_asks_about_is_told_to_its_end(shared: Instance) -> None:
    with V1Client(shared.socket) as client:
        ids = [client.spawn("/bin/true").session_id for _ in range(10)]
        for session in ids:
            told = eventually(
                lambda session=session: (  # type: ignore[misc]
                    (seen := types(journal(client, target=session)))[-1:] == ["exited"] and seen
                )
            )
            assert told == ["spawned", "started", "exited"]


def test_starts_by_many_clients_at_once_are_all_taken_in(shared: Instance) -> None:
    def start(_: int) -> list[str]:
        with shared.client() as client:
            return [client.spawn(SLEEP).id for _ in range(8)]

    with ThreadPoolExecutor(4) as threads:
        ids = [session for part in threads.map(start, range(4)) for session in part]
    with shared.client() as client:
        found = client.list()
    assert set(ids) <= {session.id for session in found}
    assert len({session.name for session in found if session.id in ids}) == len(ids)


def test_a_daemon_that_is_killed_behind_the_answer_leaves_it_to_the_next_one(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        ids = [client.spawn("sleep", "1000").session_id for _ in range(5)]
        os.kill(old := instance.note_pids(), signal.SIGKILL)
    instance.wait_for_next(old)
    with V1Client(instance.socket) as client:
        assert [call(client, "sessions.get", target=id)[0]["id"] for id in ids] == ids
        for session in ids:
            told = eventually(lambda session=session: types(journal(client, target=session)))  # type: ignore[misc]
            assert told.count("started") == 1


@pytest.mark.parametrize("how", ["SIGTERM", "stop"])
def test_a_daemon_that_is_stopped_behind_the_answer_has_taken_it_in(instance: Instance, how: str) -> None:
    daemon = instance.note_pids()
    with V1Client(instance.socket) as client:
        session = client.spawn("sleep", "1000").session_id
        if how == "SIGTERM":
            os.kill(daemon, signal.SIGTERM)
        else:
            call(client, "daemon.stop")
    eventually(lambda: not alive(daemon))
    instance.start()
    with V1Client(instance.socket) as client:
        assert call(client, "sessions.get", target=session)[0]["id"] == session
        assert types(journal(client, target=session)).count("started") == 1
    assert "Traceback" not in instance.log()


def test_a_daemon_that_has_started_something_has_the_processor_before_its_children(shared: Instance) -> None:
    with V1Client(shared.socket) as client:
        child = client.spawn("sleep", "1000").pid
    usual = slice_ns(child)
    if usual is None or not has_slices():
        pytest.skip("this kernel has no slices of a process's own")
    eventually(lambda: slice_ns(shared.note_pids()) == SLICE_US * 1000, what="the daemon's slice")
    with V1Client(shared.socket) as client:
        assert slice_ns(client.spawn("sleep", "1000").pid) == usual


def has_slices() -> bool:
    """Whether the kernel takes one, tried out on a thread that ends."""
    seen: list[int | None] = []

    def look() -> None:
        shorten_slice(SLICE_US)
        seen.append(slice_ns(os.getpid(), threading.get_native_id()))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return seen == [SLICE_US * 1000]


def slice_ns(pid: int, thread: int = 0) -> int | None:
    try:
        text = Path(f"/proc/{pid}/task/{thread or pid}/sched").read_text()
    except OSError:
        return None
    found = re.search(r"^se\.slice\s*:\s*(\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else None
