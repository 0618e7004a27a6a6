"""Each command: what it asks of the client, what it prints where, and its exit code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from unit.cli.fakes import FakeClient, FakeSession

from roost.cli.app import COMMANDS, root, run_app
from roost.cli.context import Invocation
from roost.cli.failures import report
from roost.client import Sent
from roost.errors import (
    AmbiguousTargetError,
    NoRunError,
    RoostError,
    UnavailableError,
    WaitTimeoutError,
    WrongStateError,
)
from roost.model import Backlog, ExitStatus, SessionInfo, TerminateResult

INFO = SessionInfo(id="s-abc", name="build", argv=("sh", "-c", "x"))


class Run:
    """One command line with a fake client behind it."""

    def __init__(self, capfd: pytest.CaptureFixture[str], **answers: Any) -> None:
        self._capfd = capfd
        self.client = FakeClient(answers)

    def __call__(self, *args: str) -> int:
        """Runs it and keeps what it wrote."""
        invocation = Invocation(make_client=lambda **_options: self.client)  # type: ignore[arg-type,return-value]
        try:
            code = run_app(list(args), obj=invocation)
        except (RoostError, KeyboardInterrupt) as error:
            code = report(error)
        self.out, self.err = self._capfd.readouterr()
        return code


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROOST_SESSION", "ROOST_DETACH_KEYS", "ROOST_DEBUG"):
        monkeypatch.delenv(name, raising=False)


def test_every_command_of_the_list_exists_and_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert run_app([name, "--help"]) == 0
        assert "Usage: roost " + name in capsys.readouterr().out


def test_an_unknown_command_suggests_a_known_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["atach"]) == 2
    assert "'attach'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoRunError("no session x"), 3),
        (AmbiguousTargetError("x is two sessions"), 3),
        (WrongStateError("it has exited"), 4),
        (UnavailableError("no daemon"), 6),
        (WaitTimeoutError("still running"), 11),
        (RoostError("no PTYs left", kind="exhausted"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_have_one_line_and_their_exit_code(
    capfd: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    run = Run(capfd, wait=error)
    assert run("wait", "x") == code
    assert run.out == ""
    assert run.err.lstrip("\n") == (f"roost: {error}\n" if isinstance(error, RoostError) else "")


def test_run_detached_spawns_what_was_asked_and_prints_the_id(capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(capfd, spawn=FakeSession())
    options = ["--name", "b", "--ring", "64M", "--label", "a=1", "--env", "K=V", "--size-policy", "fixed"]
    assert run("run", "-d", *options, "--", "sh", "-c", "exit 3", "--name", "not-ours") == 0
    assert run.out == "s-new\n"
    verb, args, kwargs = run.client.calls[0]
    assert (verb, args) == ("spawn", ([b"sh", b"-c", b"exit 3", b"--name", b"not-ours"],))
    assert kwargs["name"] == "b"
    assert kwargs["ring_bytes"] == 64 << 20
    assert kwargs["labels"] == {"a": "1"}
    assert kwargs["env"][b"K"] == b"V"
    assert kwargs["size_policy"] == "fixed"


def test_run_without_a_command_is_the_shell(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/zsh")
    run = Run(capfd, spawn=FakeSession())
    assert run("run", "-d") == 0
    assert run.client.calls[0][1] == ([b"/bin/zsh"],)


@pytest.mark.parametrize(
    "args",
    [
        ("run", "-d", "--ring", "0"),
        ("run", "-d", "--env", "K"),
        ("run", "--json"),
        ("run", "-d", "--merge-stderr"),
        ("run", "-d", "--detach-keys", "d"),
        ("attach", "--view", "--share"),
        ("resize", "build", "0x80"),
        ("resize", "build", "70000x80"),
        ("signal", "build", "HELLO"),
        ("kill",),
        ("kill", "x", "--grace", "soon"),
        ("send",),
        ("logs", "--json", "--follow"),
        ("ls", "--what"),
    ],
)
def test_mistakes_in_the_command_line_are_usage_errors_and_change_nothing(
    capfd: pytest.CaptureFixture[str], args: tuple[str, ...]
) -> None:
    run = Run(capfd)
    assert run(*args) == 2
    assert run.out == ""
    assert "Error: " in run.err
    assert not run.client.calls


def test_a_missing_directory_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(capfd)
    assert run("run", "-d", "--cwd", "/no/such/place", "true") == 1
    assert "/no/such/place does not exist" in run.err


def test_detach_keys_of_the_environment_are_checked_too(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOST_DETACH_KEYS", "x")
    run = Run(capfd)
    assert run("attach", "build") == 2
    assert "ROOST_DETACH_KEYS" in run.err


def test_a_session_is_not_attached_to_itself(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOST_SESSION", "s-abc")
    run = Run(capfd, get=INFO)
    assert run("attach", "build") == 1
    assert "cannot be attached to itself" in run.err
    assert [verb for verb, _, _ in run.client.calls] == ["get"]


def test_ls_json_is_an_array_of_objects(capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(capfd, list=[INFO])
    assert run("ls", "--json", "--originator", "me") == 0
    sessions = json.loads(run.out)
    assert (sessions[0]["id"], sessions[0]["argv"]) == ("s-abc", ["sh", "-c", "x"])
    assert run.client.calls == [("list", (), {"originator": "me", "all": False})]


def test_send_joins_words_and_presses_enter(capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(capfd, send=Sent(written=6, session_id="s-abc"))
    assert run("send", "--to", "build", "two", "words", "--json") == 0
    assert run.client.calls == [("send", ("build", b"two words"), {"enter": True, "paste": True})]
    assert json.loads(run.out)["written"] == 6


def test_send_leaves_controls_out_unless_raw(capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(capfd, send=Sent())
    assert run("send", "--to", "build", "a\x1bb") == 0
    assert "1 control character" in run.err
    assert run("send", "--to", "build", "--raw", "a\x1bb") == 0
    assert [(args[1], kwargs) for _, args, kwargs in run.client.calls] == [
        (b"ab", {"enter": True, "paste": True}),
        (b"a\x1bb", {"enter": False, "paste": False}),
    ]


def test_control_commands_pass_their_values(capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(capfd, resize=(40, 120), signal=[1, 2], detach=1, rename=INFO, restart=FakeSession())
    assert run("resize", "build", "40x120") == 0
    assert run("signal", "build", "INT") == 0
    assert run.err == "roost: SIGINT sent to 2 processes\n"
    assert run("detach", "build") == 0
    assert run.err == "roost: 1 client detached\n"
    assert run("rename", "build", "b2", "--json") == 0
    assert json.loads(run.out)["id"] == "s-abc"
    assert run("restart", "b2", "--grace", "500ms") == 0
    assert run.out == "s-new\n"
    assert run.client.calls == [
        ("resize", ("build", 40, 120), {}),
        ("signal", ("build", 2), {"scope": None}),
        ("detach", ("build",), {}),
        ("rename", ("build", "b2"), {}),
        ("restart", ("b2",), {"grace_s": 0.5}),
    ]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ExitStatus(code=0), 0),
        (ExitStatus(code=3), 3),
        (ExitStatus(code=None, signal=9), 137),
        (ExitStatus(code=None), 1),
    ],
)
def test_wait_exits_with_the_childs_code(capfd: pytest.CaptureFixture[str], status: ExitStatus, code: int) -> None:
    run = Run(capfd, wait=status)
    assert run("wait", "build", "--timeout", "1m", "--json") == code
    assert json.loads(run.out)["code"] == status.code
    assert run.client.calls == [("wait", ("build", 60.0), {})]


@pytest.mark.parametrize(
    ("result", "code", "line"),
    [
        (TerminateResult(name="b", outcome="soft", code=3), 0, "b: ended by TERM, exit code 3"),
        (TerminateResult(name="b", outcome="soft", signal=15), 0, "b: ended by TERM"),
        (TerminateResult(name="b", outcome="hard", signal=9), 0, "b: ended by KILL"),
        (TerminateResult(name="b", outcome="natural", code=0), 0, "b: had ended by itself, exit code 0"),
        (
            TerminateResult(name="b", outcome="hard", survivors=(7,), survivor_names=("dd",)),
            1,
            "b: still there after KILL: 7 dd",
        ),
    ],
)
def test_kill_says_what_it_took(
    capfd: pytest.CaptureFixture[str], result: TerminateResult, code: int, line: str
) -> None:
    run = Run(capfd, terminate=[result])
    assert run("kill", "b", "c", "--grace", "1s") == code
    assert run.out == line + "\n"
    assert run.client.calls == [("terminate", ("b", "c"), {"grace_s": 1.0, "older_than_s": None, "originator": None})]


def test_kill_tells_errors_apart(capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(
        capfd, terminate=[TerminateResult(error="no session answers to 'b'"), TerminateResult(name="c", outcome="soft")]
    )
    assert run("kill", "b", "c") == 3
    assert (run.out, run.err) == ("c: ended by TERM\n", "roost: no session answers to 'b'\n")
    run.client.answers["terminate"] = [TerminateResult(session_id="s-1", name="b", error="the keeper is gone")]
    assert run("kill", "b") == 1
    assert run.err == "roost: b: the keeper is gone\n"


def test_logs_are_exact_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    pages = [
        Backlog(data=b"\x1b[2Jone\n", start_offset=0, next_offset=8, end_offset=12),
        Backlog(data=b"two\n", start_offset=8, next_offset=12, end_offset=20),
    ]
    run = Run(capfd, get=INFO, logs=lambda *_args, **_kwargs: pages.pop(0))
    assert run("logs", "build") == 0
    assert run.out == "\x1b[2Jone\ntwo\n"
    assert [kwargs["from_offset"] for verb, _, kwargs in run.client.calls if verb == "logs"] == [None, 8]


def test_logs_tail_starts_at_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    def logs(_id: str, *, from_offset: int, stream: str) -> Backlog:
        return Backlog(data=b"", start_offset=from_offset, next_offset=from_offset, end_offset=from_offset)

    run = Run(capfd, get=INFO, backlog=Backlog(data=b"one\ntwo\nthree\n", start_offset=100), logs=logs)
    assert run("logs", "build", "--tail", "2") == 0
    assert run.client.calls[-1][2]["from_offset"] == 104


def test_purge_and_its_json(capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(capfd, purge=["s-1", "s-2"])
    assert run("purge", "--older-than", "1d") == 0
    assert run.err == "roost: 2 sessions forgotten\n"
    assert run("purge", "--json") == 0
    assert json.loads(run.out) == {"purged": ["s-1", "s-2"]}


def test_completion_prints_a_script_for_each_shell(capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(capfd)
    for shell in ("bash", "zsh", "fish"):
        assert run("completion", shell) == 0
        assert "_ROOST_COMPLETE" in run.out


def test_the_tree_knows_its_commands_without_importing_them() -> None:
    assert root.list_commands(None) == list(COMMANDS)  # type: ignore[arg-type]
