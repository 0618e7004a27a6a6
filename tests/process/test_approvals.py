"""Approvals through a real daemon: who is asked, who is told, and that nothing but a yes is one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.http import Http
from support.instance import Instance, eventually

from roost.client import AsyncClient, Client
from roost.client.results import ApprovalInfo
from roost.errors import InvalidError, NoRunError, RoostError, WrongStateError


def asking(instance: Instance, *arguments: str, stdin: bytes = b"") -> subprocess.Popen[bytes]:
    """`roost ask` on its way."""
    process = subprocess.Popen(
        [sys.executable, "-m", "roost.cli", "ask", *arguments],
        env=instance.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(stdin)
    process.stdin.close()
    process.stdin = None
    return process


def pending(client: Client, tool: str) -> ApprovalInfo:
    """The pending request of a tool, once it is there."""

    def look() -> ApprovalInfo | None:
        return next((one for one in client.approvals.list() if one.tool == tool), None)

    return eventually(look, what=f"{tool} asks") or ApprovalInfo(id="")


def test_the_answer_is_the_exit_code(client: Client, shared: Instance) -> None:
    yes, no = asking(shared, "--tool", "Yes", "--detail", "make"), asking(shared, "--tool", "No", "--json")
    one = pending(client, "Yes")
    assert b"Yes" in shared.roost("approvals").stdout
    assert (one.detail, one.session_id, one.decision) == ("make", "", None)
    assert b"approved" in shared.roost("approve", one.id[:6]).stderr
    shared.roost("deny", pending(client, "No").id, "--reason", "not today")
    assert yes.communicate(timeout=30)[1] == b"roost: Yes approved\n"
    told = json.loads(no.communicate(timeout=30)[0])
    assert (yes.returncode, no.returncode) == (0, 1)
    assert (told["state"], told["decision"], told["reason"]) == ("denied", "deny", "not today")
    late = shared.roost("ask", "--tool", "Late", "--timeout", "50ms", check=False)
    assert (late.returncode, late.stderr) == (11, b"roost: Late expired: nobody answered in time\n")
    assert shared.roost("ask", check=False).returncode == 2


def test_an_answer_counts_once(client: Client) -> None:
    asked = client.approvals.ask("Once", timeout_s=60, wait=False)
    assert client.approvals.approve(asked.id).approved
    for again in (client.approvals.approve, client.approvals.deny):
        with pytest.raises(WrongStateError, match=r"approved by unix:.* already"):
            again(asked.id)
    assert client.approvals.get(asked.id).state == "approved"
    assert client.approvals.ask("Once", id=asked.id).approved  # who asks again by the id has the same answer
    with pytest.raises(InvalidError):
        client.approvals.ask("Something else", id=asked.id)
    with pytest.raises(NoRunError):
        client.approvals.approve("a-nothing")


def test_everyone_is_told_and_the_session_is_blocked_meanwhile(client: Client) -> None:
    session = client.spawn(["cat"])
    since = str(client.event_status()["last"])
    first = client.approvals.ask("First", target=session.id, timeout_s=60, wait=False)
    second = client.approvals.ask("Second", target=session.id, timeout_s=60, wait=False)
    state = session.wait_for("state=blocked", timeout_s=30).matched[0]
    assert (state["detail"], state["source"]) == ("approval", "approval")
    client.approvals.deny(first.id)
    assert (session.info().activity or {})["state"] == "blocked"
    client.approvals.approve(second.id)
    assert (session.info().activity or {})["state"] in ("starting", "unknown")
    third = client.approvals.ask("Third", target=session.id, timeout_s=60, wait=False)
    session.terminate()
    over = eventually(lambda: client.approvals.get(third.id) if client.approvals.get(third.id).decided_at else None)
    assert over is not None and (over.state, over.reason) == ("expired", "the session has ended")

    def told() -> list[tuple[str, str]]:
        events = client.read_events(types=["approval_lifecycle"], since=since)
        return [(e.data["tool_name"], e.data["phase"]) for e in events if e.data["session_id"] == session.id]

    assert told() == [
        ("First", "pending"),
        ("Second", "pending"),
        ("First", "denied"),
        ("Second", "approved"),
        ("Third", "pending"),
        ("Third", "expired"),
    ]


def test_a_session_does_not_answer_what_it_asked_itself(client: Client, shared: Instance) -> None:
    command = f"{sys.executable} -m roost.cli"
    script = f"{command} ask --tool Own & sleep 0; read x; {command} approve $x; echo code $?; wait"
    session = client.spawn(["sh", "-c", script], env=shared.environ)
    own = pending(client, "Own")
    assert own.session_id == session.id
    session.send(own.id, enter=True)
    session.wait_for("text=which is the one that asks", timeout_s=30)
    session.wait_for("text=code 1", timeout_s=30)
    assert client.approvals.approve(own.id).approved
    session.wait_for("exit", timeout_s=30)


def test_whoever_asked_can_take_it_back_or_be_gone(client: Client, shared: Instance) -> None:
    process = asking(shared, "--tool", "Gone")
    one = pending(client, "Gone")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert client.approvals.get(one.id).reason == "taken back"


def test_a_pending_request_outlives_the_daemon(instance: Instance) -> None:
    """Killed: the asker comes back by itself and gets the answer that the next daemon was given."""
    process = asking(instance, "--tool", "Lasting", "--timeout", "5m")
    with instance.client() as client:
        one = pending(client, "Lasting")
        session = client.spawn(["cat"])
        held = client.approvals.ask("Held", target=session.id, timeout_s=300, wait=False)
    instance.kill_daemon()
    with instance.client() as client:
        assert [(a.id, a.state) for a in client.approvals.list()] == [(one.id, "pending"), (held.id, "pending")]
        assert (client.get(session.id).activity or {})["state"] == "blocked"
        client.approvals.approve(one.id)
        assert process.wait(30) == 0
        session_gone = client.approvals.get(held.id)
        assert session_gone.state == "pending"
    process.communicate()


def test_a_file_that_cannot_be_read_denies_nobody_the_question(instance: Instance) -> None:
    state = Path(instance.environ["XDG_STATE_HOME"]) / "roost"
    (state / "approvals.json").write_text('{"approvals": [{}]}')
    instance.kill_daemon()
    with instance.client() as client:
        assert client.approvals.list(all=True) == []
        asked = client.approvals.ask("Again", wait=False)
        assert (state / "approvals.json").stat().st_mode & 0o777 == 0o600
        assert client.approvals.deny(asked.id).decision == "deny"
    assert (state / "approvals.json.unreadable").exists()


def test_claude_code_is_answered_in_its_own_form(client: Client, shared: Instance) -> None:
    told = {"hook_event_name": "PreToolUse", "tool_name": "HookBash", "tool_input": {"command": "make install"}}
    process = asking(shared, "--from", "claude-code", stdin=json.dumps(told).encode())
    one = pending(client, "HookBash")
    assert one.detail == "make install"
    client.approvals.deny(one.id, "not as root")
    said = json.loads(process.communicate(timeout=30)[0])["hookSpecificOutput"]
    assert (process.returncode, said["permissionDecision"]) == (0, "deny")
    assert said["permissionDecisionReason"] == "denied through roost: not as root"
    told["hook_event_name"] = "PermissionRequest"
    process = asking(shared, "--from", "claude-code", stdin=json.dumps(told).encode())
    client.approvals.approve(pending(client, "HookBash").id)
    said = json.loads(process.communicate(timeout=30)[0])["hookSpecificOutput"]
    assert said["decision"] == {"behavior": "allow"}


def test_the_installed_permission_hook_is_answered(
    client: Client, shared: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(shared.environ, "HOME", str(tmp_path))
    for tool, settings in (("claude-code", ".claude/settings.json"), ("codex", ".codex/hooks.json")):
        shared.roost("hooks", "install", tool, "--approvals")
        hooks = json.loads((tmp_path / settings).read_text())["hooks"]["PermissionRequest"]
        command = hooks[-1]["hooks"][0]["command"].split()
        assert command[:2] == ["roost", "ask"]
        told = {"hook_event_name": "PermissionRequest", "tool_name": f"of-{tool}", "tool_input": {"command": "ls"}}
        process = asking(shared, *command[2:], stdin=json.dumps(told).encode())
        client.approvals.deny(pending(client, f"of-{tool}").id, "no")
        said = json.loads(process.communicate(timeout=30)[0])["hookSpecificOutput"]
        assert said == {
            "hookEventName": "PermissionRequest",
            "decision": {"behavior": "deny", "message": "denied through roost: no"},
        }


def test_whatever_fails_the_hook_says_ask(shared: Instance, tmp_path: Path) -> None:
    told = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "x"}}
    late = asking(shared, "--from", "claude-code", "--timeout", "20ms", stdin=json.dumps(told).encode())
    broken = asking(shared, "--from", "claude-code", stdin=b"{")
    nobody = subprocess.run(
        [sys.executable, "-m", "roost.cli", "ask", "--from", "claude-code"],
        env={**shared.environ, "ROOST_SOCKET": str(tmp_path / "none.sock")},
        input=json.dumps(told).encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    for code, out in (
        (late.wait(30), late.communicate()[0]),
        (broken.wait(30), broken.communicate()[0]),
        (nobody.returncode, nobody.stdout),
    ):
        assert (code, json.loads(out)["hookSpecificOutput"]["permissionDecision"]) == (0, "ask")


def test_over_http_a_request_waits_and_is_answered(client: Client, shared: Instance) -> None:
    http = Http(f"unix:{os.path.dirname(shared.socket)}/http.sock")
    answers: list[dict[str, object]] = []

    def ask() -> None:
        answers.append(http.post("/v1/approvals", {"tool": "Far", "timeout_s": 30}).json)

    asker = threading.Thread(target=ask)
    asker.start()
    one = pending(client, "Far")
    [listed] = [a for a in http.get("/v1/approvals").json["approvals"] if a["tool"] == "Far"]
    assert (listed["id"], listed["state"], listed["decision"]) == (one.id, "pending", None)
    assert http.post(f"/v1/approvals/{one.id}", {"decision": "perhaps"}).status == 422
    assert http.post(f"/v1/approvals/{one.id}", {"decision": "approve", "reason": "ok"}).json["state"] == "approved"
    assert http.post(f"/v1/approvals/{one.id}", {"decision": "deny"}).status == 409
    assert http.post("/v1/approvals/none", {"decision": "deny"}).status == 404
    asker.join(30)
    assert (answers[0]["decision"], answers[0]["reason"]) == ("approve", "ok")
    assert any(a["id"] == one.id for a in http.get("/v1/approvals?all=true").json["approvals"])


def test_too_much_is_refused_by_name(client: Client) -> None:
    for refused in (
        lambda: client.approvals.ask("", timeout_s=1),
        lambda: client.approvals.ask("Bash", "x" * 20000),
        lambda: client.approvals.ask("Bash", timeout_s=1e9),
        lambda: client.approvals.ask("Bash", id="not an id"),
    ):
        with pytest.raises(InvalidError):
            refused()


def test_no_time_to_answer_is_refused_and_not_taken_for_the_usual_time(shared: Instance) -> None:
    """`--timeout 0` is a time that was given; nothing waits a minute for it."""
    done = shared.roost("ask", "--tool", "Bash", "--timeout", "0", check=False)
    assert (done.returncode, b"more than 0 s" in done.stderr) == (11, True)


async def test_the_asyncio_client_has_the_same_verbs(shared: Instance) -> None:
    async with AsyncClient(shared.socket, autostart=False) as client:
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(client.approvals.ask("Async", timeout_s=30, id="async-1"))
            while not (found := [a for a in await client.approvals.list() if a.tool == "Async"]):
                await asyncio.sleep(0.005)
            async with AsyncClient(shared.socket, autostart=False) as other:
                await other.approvals.deny(found[0].id, "no")
        answer = asking.result()
        assert (answer.approved, answer.reason) == (False, "no")
        with pytest.raises(RoostError):
            await client.approvals.approve("async-1")
        assert (await client.approvals.withdraw("async-1")).state == "denied"
