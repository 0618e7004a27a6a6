"""The keeper's pure pieces: back-off, program search, limits, the table, recipes, and the state of a re-exec."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from roost.errors import InvalidError, RoostError
from roost.keeper import messages as m
from roost.keeper.backoff import Backoff
from roost.keeper.daemon_slot import RestartRecipe, check_versions
from roost.keeper.limits import parse_limit
from roost.keeper.main import parse
from roost.keeper.program import candidates, find_program, interpreter_of
from roost.keeper.service import read_recipe
from roost.keeper.sessions import ExitStatus, Session, Stream, describe, descriptors
from roost.keeper.state import State, decode_state, encode_state
from roost.keeper.table import SessionTable
from roost.keeper.upgrade import command_line
from roost.ring.writer import RingWriter, create_ring_file


def test_daemons_that_die_as_they_come_are_started_at_once_a_few_times_and_then_ever_later() -> None:
    backoff = Backoff()
    assert [backoff.next_delay_s(0.0) for _ in range(11)] == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_daemon_that_served_for_a_moment_is_started_at_once_however_often_that_is() -> None:
    backoff = Backoff()
    assert {backoff.next_delay_s(0.1) for _ in range(300)} == {0.0}


def test_half_a_second_of_service_end_the_longest_back_off() -> None:
    backoff = Backoff()
    while backoff.next_delay_s(0.0) < 60:
        pass
    assert backoff.next_delay_s(0.5) == 0


def test_a_restart_is_wanted_unless_there_is_no_command_or_the_environment_forbids_it() -> None:
    assert RestartRecipe([b"x"], [], b"/", b"").is_wanted()
    assert not RestartRecipe([], [], b"/", b"").is_wanted()
    assert not RestartRecipe([b"x"], [b"ROOST_NO_RESTART=1"], b"/", b"").is_wanted()


def test_candidates_follow_execvp() -> None:
    assert candidates(b"a/b", b"/x") == [b"a/b"]
    assert candidates(b"p", b"/x::y") == [b"/x/p", b"./p", b"y/p"]
    assert candidates(b"p", None) == [b"/bin/p", b"/usr/bin/p"]
    assert candidates(b"p", b"") == [b"./p"]


def test_the_first_file_that_may_run_is_found_behind_those_that_may_not(tmp_path: Path) -> None:
    for number, mode in ((1, 0o644), (2, 0o755)):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "p").write_text("")
        (tmp_path / str(number) / "p").chmod(mode)
    path = b":".join(os.fsencode(tmp_path / name) for name in ("0", "1", "2"))
    assert find_program(b"p", path) == os.fsencode(tmp_path / "2" / "p")
    with pytest.raises(RoostError, match="is not executable") as caught:
        find_program(b"p", path.rpartition(b":")[0])
    assert caught.value.kind == "denied"


@pytest.mark.parametrize(
    ("head", "interpreter"),
    [(b"#!/bin/sh\n", b"/bin/sh"), (b"#! /bin/env python -x\nfoo", b"/bin/env"), (b"#!\n", None), (b"\x7fELF", None)],
)
def test_a_scripts_first_line_names_its_interpreter(tmp_path: Path, head: bytes, interpreter: bytes | None) -> None:
    (tmp_path / "s").write_bytes(head)
    assert interpreter_of(os.fsencode(tmp_path / "s")) == interpreter


def test_limits_are_a_name_and_a_number_or_unlimited() -> None:
    assert parse_limit("nofile=10") == ("nofile", 10)
    assert parse_limit("core=unlimited") == ("core", resource.RLIM_INFINITY)
    for text in ("nofile", "nofile=", "nofile=-1", "nofile=1.5", "nofile=99999999999999999999", "rss=1", ""):
        with pytest.raises(InvalidError):
            parse_limit(text)


def test_versions_match_when_the_ranges_meet() -> None:
    for newest, oldest, fits in ((1, 1, True), (5, 1, True), (5, 2, False), (0, 0, False)):
        message = m.Message(m.HELLO, 1, {m.T_VERSION: [word(newest)], m.T_MIN_VERSION: [word(oldest)]})
        if fits:
            check_versions(message)
        else:
            with pytest.raises(RoostError) as caught:
                check_versions(message)
            assert caught.value.kind == "version_mismatch"


def word(number: int) -> bytes:
    return number.to_bytes(8, "little")


def test_the_table_keeps_spawn_order_and_forgets_everything_at_once() -> None:
    table = SessionTable()
    sessions = [Session(f"s{number}", f"k{number}", "pty", 100 + number, 0.0) for number in range(3)]
    for session in sessions:
        table.add(session)
    assert [session.id for session in table.after("s0")] == ["s1", "s2"]
    assert [session.id for session in table.after("gone")] == ["s0", "s1", "s2"]
    assert table.by_spawn("new", "k1") is sessions[1]
    assert table.by_spawn("s2", "") is sessions[2]
    table.remove(sessions[1])
    assert (table.by_id("s1"), table.by_spawn("new", "k1"), table.by_pid(101)) == (None, None, None)
    assert len(table) == 2


def test_a_recipe_has_defaults_and_the_childs_own_limit_of_open_files() -> None:
    recipe = read_recipe(m.decode(m.encode(m.SPAWN, 1, [(m.T_ID, "s"), (m.T_ARG, b"sh")])), 1024)
    assert (recipe.kind, recipe.cwd, recipe.rows, recipe.cols, recipe.umask) == ("pty", b"/", 24, 80, None)
    assert (recipe.ring_bytes, recipe.limits) == (1 << 20, {"nofile": 1024})


def a_session() -> Session:
    session = Session("s1", "key", "pipe", 123, 1.5)
    session.blob, session.start_ticks, session.stdin_fd = b"\0blob", 77, 50
    for number, name in enumerate(("stdout", "stderr")):
        ring = create_ring_file("test", 1 << 16)
        stream = Stream("s1", name, 60 + number, ring, 70 + number, RingWriter(ring), is_pty=False)
        stream.thread_index = 1
        session.streams.append(stream)
    return session


def close(*sessions: Session) -> None:
    for session in sessions:
        for stream in session.streams:
            stream.writer.release()
    for stream in sessions[0].streams:
        os.close(stream.ring_fd)


def test_a_state_survives_its_coding() -> None:
    session = a_session()
    session.exit = ExitStatus(None, 9, 2.5)
    session.is_pinned = True
    session.streams[0].pending = b"unwritten"
    session.streams[1].writer.mark_exit()
    session.streams[1].fd = None
    state = State()
    state.wake_fds, state.sessions, state.listen_path, state.reply_seq = [3, 4], [session], 9, 5
    state.restart_argv, state.queued, state.daemon_lived_s = [b"a", b""], [b"packet"], 7.25
    again = decode_state(encode_state(state))
    for name in State.__slots__:
        if name != "sessions":
            assert getattr(again, name) == getattr(state, name), name
    (copy,) = again.sessions
    for name in Session.__slots__:
        if name not in ("streams", "exit", "marks_missing"):
            assert getattr(copy, name) == getattr(session, name), name
    assert copy.exit is not None
    assert (copy.exit.code, copy.exit.signal, copy.exit.at) == (None, 9, 2.5)
    assert [(s.name, s.fd, s.pending, s.late, s.thread_index) for s in copy.streams] == [
        ("stdout", 60, b"unwritten", False, 1),
        ("stderr", None, b"", True, 1),
    ]
    assert copy.marks_missing == 1
    assert set(again.descriptors()) == set(state.descriptors())
    close(session, copy)


def test_a_state_with_fields_of_a_later_version_is_read() -> None:
    later = m.encode(0, 0, [(60000, b"later")])[m.HEADER_BYTES :]
    assert decode_state(encode_state(State()) + later).wake_fds == []


def test_a_session_is_described_with_its_exit_and_lent_in_the_agreed_order() -> None:
    session = a_session()
    assert descriptors(session, [900, 901]) == [50, session.streams[0].ring_fd, 70, session.streams[1].ring_fd, 71, 901]
    fields = dict(describe(session))
    assert (fields[m.T_STATE], fields[m.T_STDIN_OPEN], m.T_CODE in fields) == ("running", 1, False)
    session.stdin_fd = None
    session.exit, session.is_exited = ExitStatus(None, None, 3.0), True
    fields = dict(describe(session))
    assert (fields[m.T_STATE], fields[m.T_EXITED_AT]) == ("exited", 3.0)
    assert not {m.T_CODE, m.T_SIGNAL, m.T_STDIN_OPEN} & set(fields)  # an unknown code stays unknown
    close(session)


def test_a_new_image_is_named_by_its_full_path() -> None:
    assert command_line([b"/bin/x", b"a"], b"") == (b"/bin/x", [b"/bin/x", b"a"])
    assert command_line([b"x"], b"/bin/y") == (b"/bin/y", [b"x"])
    for argv in ([], [b"x"]):
        with pytest.raises(InvalidError):
            command_line(argv, b"")


def test_the_command_line_is_read_strictly() -> None:
    options = parse(["--socket", "/s", "--idle-s", "2.5", "--restore", "7", "--self-test"])
    assert (options.socket, options.idle_s, options.restore) == ("/s", 2.5, 7)
    for arguments in (["--what", "1"], ["--socket"]):
        with pytest.raises(SystemExit):
            parse(arguments)
