"""Pipe sessions on the command line: streams stay apart, stdin is passed, codes come through."""

from __future__ import annotations

import subprocess
import sys

from support.instance import Instance

TALKER = "echo out; echo err >&2; read x; echo got $x; echo also >&2; exit 4"


def test_a_pipe_session_is_a_filter_with_the_childs_code(shared: Instance) -> None:
    done = shared.roost("run", "--pipe", "--", "sh", "-c", "sort; echo done >&2; exit 3", stdin=b"b\na\n", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"a\nb\n", b"done\n")


def test_attach_joins_all_three_streams(shared: Instance) -> None:
    session = shared.roost("run", "--pipe", "-d", "--", "sh", "-c", TALKER).stdout.decode().strip()
    done = shared.roost("attach", session, stdin=b"hello\n")
    assert (done.stdout, done.stderr) == (b"out\ngot hello\n", b"err\nalso\n")


def test_the_end_of_our_stdin_is_not_the_end_of_the_childs(shared: Instance) -> None:
    session = shared.roost("run", "--pipe", "-d", "--", "cat").stdout.decode().strip()
    attached = subprocess.Popen(
        [sys.executable, "-m", "roost.cli", "attach", session],
        env=shared.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    with attached:
        shared.roost("send", "--to", session, "still open")
        assert attached.stdout is not None and attached.stdout.readline() == b"still open\n"
        with shared.client() as client:
            client.close_stdin(session)
        assert attached.wait(20) == 0


def test_one_stream_alone_and_logs_of_stderr(shared: Instance) -> None:
    session = shared.roost("run", "--pipe", "-d", "--", "sh", "-c", "echo o; echo e >&2").stdout.decode().strip()
    shared.roost("wait", session)
    assert shared.roost("attach", session, "--stream", "stderr").stdout == b"e\n"
    assert shared.roost("logs", session, "--stream", "stderr").stdout == b"e\n"


def test_merged_streams_come_as_one(shared: Instance) -> None:
    session = shared.roost("run", "--pipe", "--merge-stderr", "-d", "--", "sh", "-c", "echo o; echo e >&2; cat")
    name = session.stdout.decode().strip()
    with shared.client() as client:
        client.close_stdin(name)
    assert shared.roost("attach", name).stdout == b"o\ne\n"
