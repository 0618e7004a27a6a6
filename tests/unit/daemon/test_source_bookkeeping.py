"""The pure parts of the sources: lanes that count what they drop, families of processes, sockets, ignore rules."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roost.core.config_observe import ObserveConfig, read_observe
from roost.core.config_reading import Reading, Surroundings, Table
from roost.daemon.observe_area import parse_observe
from roost.daemon.sources.delivery import Delivery, Observation
from roost.daemon.sources.family import OURSELVES, Family
from roost.daemon.sources.ignore import Ignore
from roost.daemon.sources.sockets_seen import SampleBook, TraceBook
from roost.platform.proc_connector import ProcessNotice
from roost.platform.sock_diag import SocketEntry
from roost.platform.socket_trace import StateChange
from roost.platform.wake import Wake


class FakeLoop:
    """Keeps what is to be called."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def call_soon(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    call_soon_threadsafe = call_soon

    def run(self) -> int:
        """Everything, until nothing is left; how many turns that took."""
        turns = 0
        while self.calls:
            self.calls.pop(0)()
            turns += 1
        return turns


def seen(session: str, number: int) -> Observation:
    return Observation(session, "file", "created", {"n": number}, "exact", "inotify", 0.0)


def test_a_full_lane_counts_what_it_drops_and_says_so_where_it_is_missing() -> None:
    loop, got = FakeLoop(), []  # type: ignore[var-annotated]
    delivery = Delivery(loop, got.append, capacity=100)  # type: ignore[arg-type]
    for number in range(150):
        delivery.put(seen("a", number))
    delivery.put(seen("b", 0))
    assert loop.run() > 2, "in turns, so that the loop serves others in between"
    delivery.put(seen("a", 150))
    loop.run()
    of_a = [o for o in got if o.session_id == "a"]
    assert [o.data.get("n") for o in of_a] == [*range(100), None, 150]
    assert of_a[100].type == "gap" and of_a[100].data == {"reason": "queue_full", "missed": 50}
    assert [o for o in got if o.session_id == "b"] == [seen("b", 0)], "another session's lane has room"


def test_what_is_to_come_after_comes_after_and_also_when_the_session_is_forgotten() -> None:
    loop, order = FakeLoop(), []  # type: ignore[var-annotated]
    delivery = Delivery(loop, lambda o: order.append(o.data["n"]), capacity=100)  # type: ignore[arg-type]
    for number in range(40):
        delivery.put(seen("a", number))
    delivery.after("a", lambda: order.append("after"))
    loop.run()
    assert order == [*range(40), "after"]
    delivery.after("a", lambda: order.append("forgotten"))
    delivery.forget("a")
    assert order[-1] == "forgotten"


def test_descent_counts_and_an_ended_process_is_known_a_while() -> None:
    family = Family(keeper_pid=1)
    family.join("s", 10, [10, 11])
    assert family.fork(11, 12) == "s"
    assert family.fork(99, 100) is None
    assert family.exit(11) == "s"
    assert family.fork(12, 13) == "s", "its parent's parent has ended"
    assert family.owner(11) == "s" and family.current_owner(11) is None
    assert sorted(family.pids("s")) == [10, 12, 13]
    family.leave("s")
    assert family.owner(11) is None and family.owner(13) is None


def test_what_the_daemon_starts_is_its_own_and_no_sessions() -> None:
    family = Family(keeper_pid=1, own=[2])
    assert family.fork(2, 20) == OURSELVES
    assert family.fork(20, 21) == OURSELVES
    family.exit(21)
    assert (family.owner(2), family.owner(21), family.pids("s")) == (OURSELVES, OURSELVES, [])


def test_children_of_the_keeper_are_kept_aside_until_somebody_claims_or_disowns_them() -> None:
    family = Family(keeper_pid=1)
    owner = family.fork(1, 20)
    assert owner == 20
    assert family.fork(20, 21) == 20
    notice = ProcessNotice("exec", 21, 0)
    family.keep_aside(20, notice, ["x"])
    assert family.join("s", 20, [20]).notices == [(notice, ["x"])]
    assert family.owner(21) == "s"
    family.fork(1, 30)
    family.disown(30)
    assert family.owner(30) is None
    for pid in range(1000, 1200):
        family.fork(1, pid)
    assert family.owner(1000) is None and family.owner(1199) == 1199, "only so many are kept"


def change(key: int, before: int, after: int, local: int, peer: int, pid: int = 5) -> StateChange:
    return StateChange(key, pid, 0, before, after, ("127.0.0.1", local), ("127.0.0.1", peer))


def told(book: TraceBook, *changes: StateChange) -> list[tuple[str, Any]]:
    owner_of = {5: "s"}.get
    return [(t.type, t.data["local"]) for c in changes for t in book.changed(c, owner_of)]


def test_a_traced_connection_is_told_once_when_it_is_answered_and_once_when_it_ends() -> None:
    book = TraceBook()
    steps = [(7, 2, 0), (2, 1, 4000), (1, 4, 4000), (4, 5, 4000), (5, 7, 4000)]
    assert told(book, *(change(1, a, b, port, 80) for a, b, port in steps)) == [
        ("connect", "127.0.0.1:4000"),
        ("close", "127.0.0.1:4000"),
    ]
    assert told(book, change(2, 7, 2, 0, 80, pid=6), change(2, 2, 1, 4001, 80)) == [], "nobody's"


def test_a_traced_listener_accepts_also_for_a_wildcard_and_not_after_its_end() -> None:
    book = TraceBook()
    listen = StateChange(1, 5, 0, 7, 10, ("::", 80), ("::", 0))
    assert told(book, listen, change(2, 3, 1, 80, 4000, pid=0)) == [("listen", "[::]:80"), ("accept", "127.0.0.1:80")]
    end = StateChange(1, 5, 0, 10, 7, ("::", 80), ("::", 0))
    assert told(book, end, change(3, 3, 1, 80, 4001, pid=0)) == [("close", "[::]:80")]


def test_sampled_sockets_are_told_by_difference_and_their_destruction_once() -> None:
    book = SampleBook()
    here, there = ("127.0.0.1", 80), ("127.0.0.1", 4000)
    listener = SocketEntry("tcp", 10, here, ("0.0.0.0", 0), 1)
    accepted = SocketEntry("tcp", 1, here, there, 2)
    holders = {1: ("s", 5), 2: ("s", 5)}
    assert [t.type for t in book.look([accepted, listener], holders)] == ["listen", "accept"]
    assert list(book.look([accepted, listener], holders)) == []
    gone = SocketEntry("tcp", 7, here, there, 0)
    assert [(t.type, t.exact) for t in book.destroyed(gone)] == [("close", True)]
    assert [t.type for t in book.look([listener], {1: ("s", 5)})] == []
    short = SocketEntry("tcp", 7, here, ("127.0.0.1", 4001), 0)
    assert [t.type for t in book.destroyed(short)] == ["accept", "close"]


def test_the_nearest_rule_wins_and_what_is_below_an_ignored_directory_stays_ignored(tmp_path: Path) -> None:
    (tmp_path / ".git/info").mkdir(parents=True)
    (tmp_path / ".git/info/exclude").write_text("*.bak\n")
    (tmp_path / ".gitignore").write_text("*.log\nout/\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/.gitignore").write_text("!keep.log\n")
    root = bytes(tmp_path)
    rules = Ignore(root, ["*.own"])

    def ignored(name: str, *, directory: bool = False) -> bool:
        return rules.ignores(root + b"/" + name.encode(), directory=directory)

    assert [ignored(n) for n in ("a.log", "sub/keep.log", "sub/b.log", "x.bak", "x.own", "x")] == [
        True, False, True, True, True, False,
    ]  # fmt: skip
    assert ignored("out", directory=True) and not ignored("out"), "only as a directory"
    assert ignored("out/sub/keep.log") and ignored(".git/HEAD") and not ignored(".git", directory=True)
    chosen = Ignore(root + b"/out")
    assert not chosen.ignores(root + b"/out/x.log", directory=False), "what is chosen is told although it is ignored"
    below = Ignore(root + b"/sub")
    assert below.ignores(root + b"/sub/b.log", directory=False), "the rules of the repository count below it too"


def test_options_say_what_will_be_wanted() -> None:
    assert parse_observe({"categories": ["process"]}).wants("process")
    assert parse_observe({"observers": [{"categories": ["file"]}]}).wants("file")
    assert not parse_observe({"exact": True}).wants("process")


@pytest.mark.parametrize("without", ["fanotify, tcp-trace", ["fanotify", "tcp-trace"]])
def test_the_table_observe_names_what_is_ignored_and_what_is_not_used(without: Any) -> None:
    values = {"ignore": ["*.pyc"], "without": without}
    reading = Reading("config.toml", {}, Surroundings("/run", "/state", "/home"))
    config = read_observe(Table(reading, ("observe",), values))
    assert config == ObserveConfig(("*.pyc",), ("fanotify", "tcp-trace")) and not reading.problems
    read_observe(Table(reading, ("observe",), {"without": ["magic"]}))
    assert "known are proc-connector" in reading.problems[0].text


def test_a_wake_that_is_set_while_it_is_closed_touches_no_other_file() -> None:
    for _ in range(200):
        wake = Wake()
        setter = threading.Thread(target=lambda: [wake.set() for _ in range(20)])  # noqa: B023
        setter.start()
        wake.close()
        setter.join()
        wake.set()
