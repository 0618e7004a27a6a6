"""What a child is given at its start, and what is said when it cannot be started."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.keeper_harness import Child, KeeperProcess, Peer, python, refusal, running_keeper

from roost.errors import RoostError
from roost.keeper import messages as m
from roost.platform import process_start_ticks


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeeperProcess]:
    with running_keeper(tmp_path_factory.mktemp("keeper")) as one:
        yield one


@pytest.fixture(scope="module")
def peer(keeper: KeeperProcess) -> Peer:
    return keeper.daemon()


def output_of(child: Child) -> bytes:
    """All output up to the exit; the session is dropped."""
    child.exited()
    data = child.out.all(end=child.out.reader.exit_offset)
    child.drop()
    child.close()
    return data


def test_a_terminal_child_leads_its_own_session_on_a_controlling_terminal_of_the_asked_size(peer: Peer) -> None:
    code = (
        "import os; fd=os.open('/dev/tty', os.O_RDWR); "
        "print(os.getsid(0)==os.getpid(), os.tcgetpgrp(fd)==os.getpid(), os.get_terminal_size(1), os.ttyname(0))"
    )
    child = peer.spawn(*python(code), fields=[(m.T_ROWS, 33), (m.T_COLS, 111)])
    tty = child.answer.text(m.T_TTY)
    assert os.stat(tty).st_rdev == child.answer.u64(m.T_TTY_NR)
    assert output_of(child) == f"True True os.terminal_size(columns=111, lines=33) {tty}\r\n".encode()


def test_a_child_inherits_no_descriptor_but_its_first_three(peer: Peer) -> None:
    child = peer.spawn(*python("import os; print(sorted(os.listdir('/proc/self/fd')))"), kind="pipe")
    assert output_of(child) == b"['0', '1', '2', '3']\n"  # 3 is the listing's own


def test_the_start_that_is_told_of_a_child_is_the_one_that_the_kernel_knows(peer: Peer) -> None:
    for _ in range(20):
        child = peer.spawn("sleep", "1000")
        pid = child.answer.u64(m.T_PID)
        assert child.answer.u64(m.T_START_TICKS) == process_start_ticks(pid)
        os.kill(pid, signal.SIGKILL)
        output_of(child)


def test_a_child_starts_with_default_signals_and_an_empty_mask(peer: Peer) -> None:
    child = peer.spawn("cat", "/proc/self/status", kind="pipe")
    status = dict(line.split(b":\t") for line in output_of(child).splitlines() if line.startswith(b"Sig"))
    own_of_glibc = 3 << 31  # 32 and 33 cannot be set by anybody; whoever started us may have ignored them
    assert [int(status[name], 16) & ~own_of_glibc for name in (b"SigBlk", b"SigIgn", b"SigCgt")] == [0, 0, 0]


def test_environment_arguments_and_cwd_are_passed_as_bytes(peer: Peer, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(odd)
    code = "import os; print(os.environb[b'ODD'], os.fsencode(__import__('sys').argv[1]), os.getcwdb()[-1:])"
    child = peer.spawn(*python(code), b"\xfe", kind="pipe", fields=[(m.T_ENV, b"ODD=\xfd="), (m.T_CWD, odd)])
    assert output_of(child) == b"b'\\xfd=' b'\\xfe' b'\\xff'\n"


def test_umask_and_limits_are_the_childs_alone(peer: Peer, keeper: KeeperProcess) -> None:
    limits = [(m.T_RLIMIT, "nofile=99"), (m.T_RLIMIT, "core=0"), (m.T_RLIMIT, "fsize=123456789")]
    before = Path(f"/proc/{keeper.pid}/limits").read_text()
    child = peer.spawn(
        "sh",
        "-c",
        "read go; umask; ulimit -Sn; ulimit -Sc; ulimit -Sf",
        kind="pipe",
        fields=[(m.T_UMASK, 0o027), *limits],
    )
    child.write(b"go\n")
    assert output_of(child).split() == [b"0027", b"99", b"0", str(123456789 // 512).encode()]
    assert Path(f"/proc/{keeper.pid}/limits").read_text() == before
    assert "Umask:\t0077" in Path(f"/proc/{keeper.pid}/status").read_text()


def test_children_get_the_soft_limit_of_open_files_that_the_keeper_was_started_with(peer: Peer) -> None:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert output_of(peer.spawn("sh", "-c", "ulimit -Sn", kind="pipe")) == f"{soft}\n".encode()


def test_a_relative_path_element_starts_at_the_childs_cwd(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin" / "mine", "#!/bin/sh\necho found\n")
    child = peer.spawn("mine", kind="pipe", fields=[(m.T_CWD, os.fsencode(tmp_path)), (m.T_ENV, b"PATH=/nope:bin")])
    assert output_of(child) == b"found\n"


def test_a_script_without_a_first_line_is_run_by_sh(peer: Peer, tmp_path: Path) -> None:
    program(tmp_path / "plain", 'echo "$0 $1"\n')
    child = peer.spawn(str(tmp_path / "plain"), "x", kind="pipe")
    assert output_of(child) == f"{tmp_path}/plain x\n".encode()


def test_a_directory_in_path_that_hides_the_name_is_passed_over(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "true").mkdir()
    child = peer.spawn("true", fields=[(m.T_ENV, b"PATH=" + os.fsencode(tmp_path) + b":/usr/bin:/bin")])
    assert output_of(child) == b""


def program(path: Path, text: str, mode: int = 0o755) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_each_reason_not_to_start_is_named_with_the_next_step(peer: Peer, tmp_path: Path) -> None:
    missing_interpreter = program(tmp_path / "script", "#!/no/such/interpreter -x\n")
    not_executable = program(tmp_path / "data", "data", 0o644)
    broken = program(tmp_path / "broken", "\x7fELF")
    cases: list[tuple[tuple[str, ...], list[tuple[int, bytes | int | str]], str, str]] = [
        (("no-such-program",), [], "not_found", "program 'no-such-program' was not found in PATH=/usr/bin:/bin; "),
        (("/no/such",), [], "not_found", "program '/no/such' was not found; check the path"),
        ((missing_interpreter,), [], "not_found", f"interpreter '/no/such/interpreter' of script '{tmp_path}/script'"),
        ((not_executable,), [], "denied", f"program '{tmp_path}/data' is not executable; run `chmod +x"),
        ((str(tmp_path),), [], "denied", f"'{tmp_path}' is a directory"),
        ((broken,), [], "", ""),
        (("true",), [(m.T_CWD, b"/no/such")], "invalid", "cwd '/no/such' does not exist; "),
        (("true",), [(m.T_CWD, b"/etc/passwd")], "invalid", "cwd '/etc/passwd' is not a directory; "),
        (("true",), [(m.T_CWD, b"a\0b")], "invalid", "cannot be entered"),
        (("true", "a\0b"), [], "invalid", "cannot be passed on"),
        (("true", "x" * 200_000), [], "invalid", "more than the system takes; shorten"),
        (("true",), [(m.T_RLIMIT, "nofile=many")], "invalid", "limit 'nofile=many' is not of the form"),
        (("true",), [(m.T_RLIMIT, "files=1")], "invalid", "unknown limit 'files'; known are as, core"),
        (("true",), [(m.T_ROWS, 70000)], "invalid", "rows of 70000; a terminal has at most 65535"),
        (("true",), [(m.T_RING_BYTES, 5)], "invalid", "ring of 5 bytes; give 65536 to"),
        (("true",), [(m.T_BLOB, b"x" * 65537)], "invalid", "blob of 65537 bytes; the keeper takes 65536"),
        ((), [], "invalid", "spawn without a program"),
    ]
    for argv, fields, kind, text in cases:
        if not kind:
            child = peer.spawn(*argv)  # sh is asked, as execvp does; it says what it thinks of it
            assert child.exited().i64(m.T_CODE) != 0
            child.drop()
            child.close()
            continue
        error = refusal(lambda argv=argv, fields=fields: peer.spawn(*argv, fields=fields))  # type: ignore[misc]
        assert (error.kind, text in error.message) == (kind, True), error.message


def test_a_refused_spawn_leaves_no_descriptor_behind(peer: Peer, keeper: KeeperProcess) -> None:
    def count() -> int:
        return len(os.listdir(f"/proc/{keeper.pid}/fd"))

    before = count()
    for kind in ("pty", "pipe", "merged"):
        refusal(lambda kind=kind: peer.spawn("no-such-program", kind=kind))  # type: ignore[misc]
    assert count() == before


def test_a_dropped_session_leaves_no_descriptor_behind(peer: Peer, keeper: KeeperProcess) -> None:
    output_of(peer.spawn("true"))
    peer.call(m.PING)
    before = sorted(os.listdir(f"/proc/{keeper.pid}/fd"))
    for kind in ("pty", "pipe", "merged"):
        output_of(peer.spawn("true", kind=kind))
    wait_for_fds(peer, keeper, len(before))


def wait_for_fds(peer: Peer, keeper: KeeperProcess, count: int) -> None:
    """DROP is answered before the draining thread has let go; each ping gives the keeper a turn."""
    for _ in range(1000):
        if len(os.listdir(f"/proc/{keeper.pid}/fd")) <= count:
            return
        peer.call(m.PING)
    raise AssertionError("descriptors are left")


def test_the_same_key_or_id_gives_the_first_session(peer: Peer) -> None:
    first = peer.spawn("cat", fields=[(m.T_KEY, "k1"), (m.T_BLOB, b"first")])
    by_key = peer.spawn("cat", fields=[(m.T_KEY, "k1"), (m.T_BLOB, b"second")])
    by_id = peer.spawn("cat", id=first.id)
    for again in (by_key, by_id):
        assert (again.id, again.pid, again.answer.u64(m.T_EXISTING)) == (first.id, first.pid, 1)
        assert again.answer.blob(m.T_BLOB) == b"first"
        again.close()
    peer.call(m.SIGNAL, [(m.T_ID, first.id), (m.T_SIGNO, 9)])
    output_of(first)
    later = peer.spawn("true", fields=[(m.T_KEY, "k1")])
    assert not later.answer.has(m.T_EXISTING)
    output_of(later)


def test_the_same_key_while_the_first_is_still_being_started_gives_one_session(peer: Peer) -> None:
    fields: list[tuple[int, bytes | str]] = [(m.T_ARG, b"sleep"), (m.T_ARG, b"1000"), (m.T_KEY, "twice")]
    fields.append((m.T_ENV, b"PATH=/usr/bin:/bin"))
    sequences = [peer.ask(m.SPAWN, [(m.T_ID, f"s-twice{number}"), *fields]) for number in range(5)]
    children = [Child(peer, "pty", *peer.answer(seq)) for seq in sequences]
    assert len({child.pid for child in children}) == 1
    assert [child.answer.u64(m.T_EXISTING) for child in children] == [0, 1, 1, 1, 1]
    for child in children[1:]:
        child.close()
    peer.call(m.SIGNAL, [(m.T_ID, children[0].id), (m.T_SIGNO, 9)])
    output_of(children[0])


def test_a_full_system_is_named_and_the_keeper_goes_on(tmp_path: Path) -> None:
    """With a hard limit of 60 open files the tenth or so session is refused; the ones there go on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with running_keeper(tmp_path) as keeper:
        peer = keeper.daemon()
        resource.prlimit(keeper.pid, resource.RLIMIT_NOFILE, (60, hard))
        children: list[Child] = []
        for _ in range(30):
            try:
                children.append(peer.spawn("cat"))
            except RoostError as error:
                assert error.kind == "exhausted", error
                assert "too many open files: end or purge sessions" in str(error)
                break
        else:
            raise AssertionError("never refused")
        resource.prlimit(keeper.pid, resource.RLIMIT_NOFILE, (soft, hard))
        children.append(peer.spawn("cat"))
        for child in children:
            child.write(b"still here\n")
            child.out.read_until(b"still here")
            child.close()


def test_a_ring_beyond_the_limit_of_file_sizes_is_named(tmp_path: Path) -> None:
    with running_keeper(tmp_path) as keeper:
        peer = keeper.daemon()
        resource.prlimit(keeper.pid, resource.RLIMIT_FSIZE, (1 << 16, resource.RLIM_INFINITY))
        with pytest.raises(RoostError, match="ulimit -f") as refused:
            peer.spawn("cat")
        assert refused.value.kind == "exhausted"
        resource.prlimit(keeper.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        child = peer.spawn("cat")
        child.write(b"here\n")
        child.out.read_until(b"here")
        child.close()


def test_no_ptys_left_is_named(tmp_path: Path) -> None:
    limit = Path("/proc/sys/kernel/pty/max")
    if not os.access(limit, os.W_OK):
        pytest.skip("needs to lower kernel.pty.max")
    before = limit.read_text()
    with running_keeper(tmp_path) as keeper:
        peer = keeper.daemon()
        try:
            limit.write_text("1")
            error = refusal(lambda: peer.spawn("true"))
        finally:
            limit.write_text(before)
        assert error.kind == "exhausted"
        assert "no PTYs left: end sessions, or raise /proc/sys/kernel/pty/max" in error.message


def test_a_fifo_is_no_program_and_nobody_waits_for_it(peer: Peer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "stuck")
    (tmp_path / "stuck").chmod(0o755)
    error = refusal(lambda: peer.spawn(str(tmp_path / "stuck")))
    assert error.kind == "denied"


def test_many_spawns_at_once_are_all_answered(peer: Peer) -> None:
    sequences = [
        peer.ask(m.SPAWN, [(m.T_ID, f"s-many{number}"), (m.T_ARG, b"/bin/true"), (m.T_KIND, "pipe")])
        for number in range(50)
    ]
    children = [Child(peer, "pipe", *peer.answer(seq)) for seq in sequences]
    for child in children:
        assert child.exited().i64(m.T_CODE) == 0
        child.drop()
        child.close()
