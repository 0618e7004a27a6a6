"""The page in a real browser: what people see and do there."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.browser import ROWS, go, link_of, shows
from support.instance import Instance, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def looked(page: Page) -> None:
    """Wait until the page has asked for the list of sessions once more."""
    with page.expect_response(re.compile("/v1/sessions[?]")):
        pass


def test_a_session_appears_by_itself_and_its_tile_leads_to_its_terminal(
    opened: Callable[..., Page], roost: Instance
) -> None:
    page = opened()
    assert "ticket" not in page.url
    with roost.client() as client:
        session = client.spawn(["sh", "-c", "echo here it is; sleep 600"], name="appears")
        page.click(".tile a:has(strong:text-is('appears'))")
        shows(page, "here it is")
        session.terminate(grace_s=0)
        page.get_by_text("ended by signal").wait_for()


def test_a_link_lets_in_once(browser: Browser, roost: Instance) -> None:
    link = link_of(roost)
    for wanted in ("main#main", "main.alone"):
        context = browser.new_context()
        page = context.new_page()
        page.goto(link)
        page.wait_for_selector(wanted)
        assert ("roost web" in page.inner_text("main")) is (wanted == "main.alone")
        context.close()


def test_another_site_gets_nothing_through_a_browser_that_was_let_in(
    opened: Callable[..., Page], roost: Instance
) -> None:
    page = opened()
    address = page.url.split("/#")[0]
    page.context.route("http://other.test/**", lambda route: route.fulfill(body="<p>other", content_type="text/html"))
    other = page.context.new_page()
    other.goto("http://other.test/")
    told = other.evaluate(
        """async (address) => {
            const told = {};
            const body = JSON.stringify({argv: ["true"], name: "smuggled"});
            const ask = {method: "POST", mode: "no-cors", credentials: "include", body};
            await fetch(address + "/v1/sessions", ask).catch(() => {});
            told.read = await fetch(address + "/v1/sessions", {credentials: "include"})
                .then((answer) => answer.status, () => "refused");
            told.socket = await new Promise((done) => {
                const target = address.replace("http", "ws") + "/v1/sessions/x/attach";
                const socket = new WebSocket(target, "roost.attach.v1");
                socket.onopen = () => done("open");
                socket.onerror = () => done("refused");
            });
            return told;
        }""",
        address,
    )
    assert told == {"read": "refused", "socket": "refused"}
    with roost.client() as client:
        assert "smuggled" not in [session.name for session in client.list()]


@pytest.mark.skipif(shutil.which("vim") is None, reason="vim is not installed")
def test_what_is_typed_into_vim_is_seen(opened: Callable[..., Page], roost: Instance, tmp_path: Path) -> None:
    page = opened()
    with roost.client() as client:
        session = client.spawn(["vim", "-u", "NONE", "-i", "NONE", "-n", str(tmp_path / "f")], name="vim")
        go(page, f"/s/{session.id}")
        shows(page, "~")
        page.keyboard.type("ityped in a browser")
        shows(page, "typed in a browser")
        page.keyboard.press("Escape")
        page.keyboard.type(":wq\n")
        page.get_by_text("exit code 0").wait_for()
    assert (tmp_path / "f").read_text() == "typed in a browser\n"


def test_the_terminal_goes_on_without_gap_or_repeat_when_the_daemon_is_killed(
    opened: Callable[..., Page], tmp_path: Path
) -> None:
    steps = tmp_path / "steps"
    os.mkfifo(steps)
    script = f"n=0; while read l; do n=$((n+1)); echo line $n $l; done < {steps}; echo the end; read key; echo got $key"
    instance = Instance()
    try:
        instance.start()
        page = opened(instance=instance)
        with instance.client() as client:
            session = client.spawn(["sh", "-c", script], name="steps")
        with steps.open("w", buffering=1) as tell:
            go(page, f"/s/{session.id}")
            for number in range(1, 6):
                tell.write(f"{number * 7}\n")
            shows(page, "line 5 35")
            daemon = instance.note_pids()
            os.kill(daemon, signal.SIGKILL)
            for number in range(6, 11):
                tell.write(f"{number * 7}\n")
            instance.wait_for_next(daemon)
            for number in range(11, 16):
                tell.write(f"{number * 7}\n")
            shows(page, "line 15 105")
        shows(page, "the end")
        page.keyboard.type("x\n")
        shows(page, "got x")
        seen = [line.strip() for line in page.evaluate(ROWS).splitlines() if line.startswith("line ")]
        assert seen == [f"line {number} {number * 7}" for number in range(1, 16)]
        page.reload()  # the cookie is known to the next daemon too
        shows(page, "got x")
    finally:
        instance.end()


def test_an_approval_is_answered_with_one_click(opened: Callable[..., Page], roost: Instance) -> None:
    page = opened()
    with roost.client() as client:
        session = client.spawn(["sleep", "600"], name="asks")
        command = [
            sys.executable,
            "-m",
            "roost.cli",
            "ask",
            "--to",
            session.id,
            "--tool",
            "Deploy",
            "--detail",
            "make it",
        ]
        with subprocess.Popen(command, env=roost.environ, stdout=subprocess.DEVNULL) as asking:
            page.get_by_text("make it").wait_for()
            page.wait_for_function("() => document.title === '(1) roost'")
            first = page.locator(".tile").first
            assert first.get_attribute("class") == "tile wanted running"
            assert "expires in" in page.inner_text(".question")
            page.get_by_role("button", name="Approve").click()
            assert asking.wait(20) == 0
        page.wait_for_function("() => document.title === 'roost'")
        assert page.locator(".question").count() == 0
        session.terminate(grace_s=0)


def test_fifty_quiet_sessions_cost_one_question_at_a_time(opened: Callable[..., Page], roost: Instance) -> None:
    with roost.client() as client:
        sessions = [client.spawn(["sleep", "600"], name=f"many-{number}") for number in range(50)]
        try:
            page = opened()
            page.wait_for_function("() => document.querySelectorAll('.tile').length >= 50")
            looked(page)
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            for _ in range(2):
                looked(page)
            assert [url for url in asked if "/screen" in url] == []
            assert len(asked) <= 8
            page.fill("input[type=search]", "many-17")
            page.wait_for_function("() => document.querySelectorAll('.tile').length === 1")
        finally:
            for session in sessions:
                session.terminate(grace_s=0)


def test_a_flood_waits_for_the_page_and_typing_stops_it(opened: Callable[..., Page], roost: Instance) -> None:
    page = opened()
    behind = {"received": 0, "acknowledged": 0, "most": 0, "drawn": 0}

    def received(payload: bytes | str) -> None:
        if isinstance(payload, str):
            told = json.loads(payload)
            if told["type"] == "attached":
                behind["acknowledged"] = told["start_offset"]
            if told["type"] == "gap":  # what was skipped is nothing to be drawn
                behind["acknowledged"] += told["to"] - told["from"]
        else:
            behind["received"] = int.from_bytes(payload[:8], "big") + len(payload) - 8
            behind["most"] = max(behind["most"], behind["received"] - behind["acknowledged"])

    def sent(payload: bytes | str) -> None:
        if isinstance(payload, str) and (message := json.loads(payload))["type"] == "ack":
            behind["drawn"] += 1
            behind["acknowledged"] = max(behind["acknowledged"], message["offset"])

    def watch(socket: Any) -> None:
        socket.on("framereceived", received)
        socket.on("framesent", sent)

    page.on("websocket", watch)
    script = "stty -echo; yes a line of the flood & read key; kill $!; wait; echo; echo stopped by $key"
    with roost.client() as client:
        session = client.spawn(["bash", "-c", script], name="flood")
        go(page, f"/s/{session.id}")
        shows(page, "a line of the flood")
        eventually(lambda: page.evaluate("1") and behind["drawn"] > 20, what="the flood is drawn")
        page.keyboard.type("me\n")
        shows(page, "stopped by me")
    assert behind["most"] <= 1024 * 1024


def test_an_event_leads_to_the_output_of_its_moment(opened: Callable[..., Page], roost: Instance) -> None:
    page = opened()
    with roost.client() as client:
        session = client.spawn(["sh", "-c", "seq 200; echo at that moment; read a; seq 300; echo much later; read b"])
        go(page, f"/s/{session.id}")
        shows(page, "at that moment")
        client.rename(session.id, "jumped")
        event = page.locator(".timeline li button", has_text="renamed")
        event.wait_for()
        page.locator(".xterm-helper-textarea").focus()
        page.keyboard.press("Enter")
        shows(page, "much later")
        assert "at that moment" not in page.evaluate(ROWS)
        event.click()
        shows(page, "at that moment")
        session.terminate(grace_s=0)
