"""What is done from the overview in a real browser: renaming, ending, services, waiting for a daemon that is away."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from support.browser import go, link_of
from support.instance import Instance, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def test_a_session_is_renamed_and_ended_only_when_that_is_confirmed(
    opened: Callable[..., Page], roost: Instance
) -> None:
    page = opened()
    with roost.client() as client:
        session = client.spawn(["sleep", "600"], name="before")
        page.get_by_label("Actions for before").click()
        page.get_by_role("button", name="Rename").click()
        page.keyboard.type("after")
        page.keyboard.press("Enter")
        page.get_by_label("Actions for after").click()
        page.get_by_role("button", name="End", exact=True).click()
        assert session.info().running
        page.get_by_role("button", name="Really end it?").click()
        eventually(lambda: not session.info().running, what="it has ended")
        page.locator(".tile", has_text="after").get_by_text("signal 15").wait_for()
        page.get_by_label("Show", exact=True).select_option("exited")
        page.get_by_label("Actions for after").click()
        page.get_by_role("button", name="Forget", exact=True).click()
        page.get_by_role("button", name="Really forget it?").click()
        page.locator(".tile", has_text="after").wait_for(state="detached")


def test_services_are_shown_with_their_state_stopped_and_started(opened: Callable[..., Page], roost: Instance) -> None:
    roost.roost("service", "start", "--name", "api", "--", "sh", "-c", "echo serving; exec sleep 600")
    page = opened()
    row = page.locator("tr", has_text="api")
    row.get_by_text("online").wait_for()
    row.get_by_text("not checked").wait_for()
    row.get_by_role("button", name="Stop api").click()
    row.get_by_text("stopped").wait_for()
    row.get_by_role("button", name="Start api").click()
    row.get_by_text("online").wait_for()
    row.get_by_role("link", name="api").click()
    page.wait_for_selector(".session")


def test_who_may_only_look_is_offered_nothing_else(browser: Browser, roost: Instance) -> None:
    with roost.client() as client:
        session = client.spawn(["sh", "-c", "echo seen; sleep 600"], name="looked-at")
        client.approvals.ask("Bash", "make", target=session.id, timeout_s=300, wait=False)
        context = browser.new_context()
        try:
            page = context.new_page()
            page.set_default_timeout(8_000)
            page.goto(link_of(roost, "read"))
            page.get_by_text("make", exact=True).wait_for()
            assert page.get_by_role("button", name=re.compile("Approve|Deny|New session|Actions")).count() == 0
            go(page, f"/s/{session.id}")
            page.wait_for_function("() => document.querySelector('.xterm-rows')?.innerText.includes('seen')")
            page.keyboard.type("x")
            assert page.get_by_label("How to attach").count() == 0
            assert page.get_by_role("button", name=re.compile("End|Paste")).count() == 0
        finally:
            context.close()
            session.terminate(grace_s=0)


def test_a_daemon_that_is_away_is_asked_once_a_second_and_no_more(browser: Browser, roost: Instance) -> None:
    context = browser.new_context()
    try:
        page = context.new_page()
        page.set_default_timeout(8_000)
        page.clock.install()
        page.goto(link_of(roost))
        page.wait_for_selector(".bar")
        asked: list[str] = []
        page.on("request", lambda request: "/v1/sessions?" in request.url and asked.append(request.url))
        context.set_offline(True)
        for _ in range(100):
            page.clock.run_for(130)
        assert len(asked) <= 16
        page.get_by_text("The daemon does not answer").wait_for()
        context.set_offline(False)
        for _ in range(20):
            page.clock.run_for(1000)
            if page.get_by_text("The daemon does not answer").count() == 0:
                break
        assert page.get_by_text("The daemon does not answer").count() == 0
    finally:
        context.close()


def test_a_browser_that_is_not_let_in_any_more_is_told_how_to_get_in(opened: Callable[..., Page]) -> None:
    page = opened()
    page.wait_for_selector(".count")
    page.context.clear_cookies()
    page.get_by_text("not let in here, or not any more").wait_for()
    page.get_by_text("roost web --print").wait_for()
