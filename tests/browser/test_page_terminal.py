"""The terminal in a real browser: lost connections, what else has the session, the clipboard, links, search, phones."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from support.browser import ROWS, attached, go, shows
from support.instance import Instance, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocketRoute

PHONE: dict[str, Any] = {"width": 393, "height": 727, "has_touch": True, "is_mobile": True, "device_scale_factor": 2.6}
KEYS = "stty raw -echo; echo ready; exec cat -vt"


def test_what_left_the_ring_while_the_network_was_away_is_said_to_the_byte(
    opened: Callable[..., Page], roost: Instance
) -> None:
    page = opened()
    away = False
    routes: list[WebSocketRoute] = []

    def through(route: WebSocketRoute) -> None:
        if away:
            route.close()
            return
        routes.append(route)
        route.connect_to_server()

    page.route_web_socket(re.compile("/attach$"), through)
    script = "stty -echo; echo before; read go; seq 100000; echo; echo after; read end"
    with roost.client() as client:
        session = client.spawn(["sh", "-c", script], name="away", ring_bytes=65536)
        go(page, f"/s/{session.id}")
        shows(page, "before")
        attached(page)
        reached = session.info().end_offset
        away = True
        routes[-1].close()
        page.get_by_text("Connecting").wait_for()
        session.send("\n")
        eventually(lambda: session.info().end_offset == 688_912, what="all is written")
        missed = session.info().start_offset - reached
        away = False
        shows(page, "after")
        page.get_by_text(f"{missed:,} bytes of output had left the ring").wait_for()
        page.get_by_label("Dismiss").click()
        attached(page)
        session.terminate(grace_s=0)


def test_a_session_that_somebody_else_has_alone_can_be_looked_at_and_taken_over(
    opened: Callable[..., Page], roost: Instance
) -> None:
    page = opened()
    with roost.client() as client:
        session = client.spawn(["sh", "-c", "echo hello; read line; echo got $line; sleep 600"], name="theirs")
        with session.attach(mode="exclusive"):
            go(page, f"/s/{session.id}")
            page.get_by_role("button", name="Only look").click()
            shows(page, "hello")
            page.get_by_label("How to attach").select_option("share")
            page.get_by_role("button", name="Take it over").click()
            attached(page)
            page.keyboard.type("mine\n")
            shows(page, "got mine")
        session.terminate(grace_s=0)


def test_copying_and_pasting_go_through_the_clipboard(opened: Callable[..., Page], roost: Instance) -> None:
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    with roost.client() as client:
        session = client.spawn(["sh", "-c", "echo word-to-copy; read -r line; echo got $line; read x"])
        go(page, f"/s/{session.id}")
        shows(page, "word-to-copy")
        attached(page)
        box = page.locator(".xterm-rows > div").first.bounding_box()
        assert box
        page.mouse.dblclick(box["x"] + 30, box["y"] + box["height"] / 2)
        page.keyboard.press("Control+Shift+C")
        eventually(lambda: page.evaluate("() => navigator.clipboard.readText()") == "word-to-copy")
        page.evaluate("() => navigator.clipboard.writeText('from-the-clipboard')")
        page.get_by_label("Paste").click()
        shows(page, "from-the-clipboard")
        page.keyboard.press("Enter")
        shows(page, "got from-the-clipboard")
        session.terminate(grace_s=0)


def test_a_program_can_offer_text_for_the_clipboard_and_never_read_it(
    opened: Callable[..., Page], roost: Instance
) -> None:
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate("() => navigator.clipboard.writeText('secret')")
    script = (
        "stty raw -echo; echo ready; head -c 1 >&2; printf '\\033]52;c;?\\007\\033]52;c;b2ZmZXJlZA==\\007'; exec cat -v"
    )
    with roost.client() as client:
        session = client.spawn(["sh", "-c", script])
        go(page, f"/s/{session.id}")
        shows(page, "ready")
        attached(page)
        page.keyboard.type("g")
        page.get_by_text("offers 7 characters").wait_for()
        assert page.evaluate("() => navigator.clipboard.readText()") == "secret"
        page.get_by_role("button", name="Copy", exact=True).click()
        eventually(lambda: page.evaluate("() => navigator.clipboard.readText()") == "offered")
        page.keyboard.type("z")
        shows(page, "z")
        assert "52;" not in page.evaluate(ROWS)
        session.terminate(grace_s=0)


def test_links_open_without_a_way_back_and_only_to_the_web(opened: Callable[..., Page], roost: Instance) -> None:
    page = opened()
    page.context.route("https://example.test/**", lambda route: route.fulfill(body="there", content_type="text/html"))
    odd = "\\033]8;;javascript:alert(1)\\033\\\\odd\\033]8;;\\033\\\\"
    with roost.client() as client:
        session = client.spawn(["sh", "-c", f"printf 'https://example.test/a\\n{odd}\\n'; read x"])
        go(page, f"/s/{session.id}")
        shows(page, "odd")
        attached(page)
        rows = page.locator(".xterm-rows > div")
        second, first = rows.nth(1).bounding_box(), rows.nth(0).bounding_box()
        assert first and second
        page.mouse.move(second["x"] + 8, second["y"] + second["height"] / 2)
        page.mouse.click(second["x"] + 8, second["y"] + second["height"] / 2)
        with page.expect_popup() as opening:
            page.mouse.move(first["x"] + 40, first["y"] + first["height"] / 2)
            page.mouse.click(first["x"] + 40, first["y"] + first["height"] / 2)
        assert opening.value.url == "https://example.test/a"
        assert opening.value.evaluate("() => window.opener") is None
        assert len(page.context.pages) == 2
        session.terminate(grace_s=0)


def test_a_search_counts_what_it_finds_in_the_scrollback(opened: Callable[..., Page], roost: Instance) -> None:
    page = opened()
    with roost.client() as client:
        session = client.spawn(["sh", "-c", "echo needle one; seq 200; echo needle two; read x"])
        go(page, f"/s/{session.id}")
        shows(page, "needle two")
        attached(page)
        page.keyboard.press("Control+Shift+F")
        page.keyboard.type("needle")
        page.get_by_text("2 of 2").wait_for()
        page.keyboard.press("Enter")
        page.get_by_text("1 of 2").wait_for()
        shows(page, "needle one")
        page.keyboard.type("s")
        page.get_by_text("not found").wait_for()
        page.keyboard.press("Escape")
        page.wait_for_function("() => document.activeElement.classList.contains('xterm-helper-textarea')")
        session.terminate(grace_s=0)


def test_a_phone_has_the_keys_that_its_keyboard_lacks(opened: Callable[..., Page], roost: Instance) -> None:
    page = opened(**PHONE)
    with roost.client() as client:
        session = client.spawn(["sh", "-c", KEYS], name="keys")
        go(page, f"/s/{session.id}")
        shows(page, "ready")
        attached(page)
        keys = page.get_by_role("toolbar", name="Keys")
        for name in ("Esc", "Up", "Tab"):
            keys.get_by_role("button", name=name, exact=True).tap()
        shows(page, "^[^[[A^I")
        ctrl = keys.get_by_role("button", name="Ctrl", exact=True)
        ctrl.tap()
        page.keyboard.type("aa")  # on the keyboard of the screen: it holds for one
        shows(page, "^Aa")
        assert ctrl.get_attribute("aria-pressed") == "false"
        ctrl.tap()
        keys.get_by_role("button", name="Ctrl+D").tap()
        shows(page, "^D")
        session.terminate(grace_s=0)


def test_arrows_have_the_form_that_the_program_asked_for(opened: Callable[..., Page], roost: Instance) -> None:
    page = opened(**PHONE)
    with roost.client() as client:
        session = client.spawn(["sh", "-c", f"printf '\\033[?1h'; {KEYS}"])
        go(page, f"/s/{session.id}")
        shows(page, "ready")
        attached(page)
        page.get_by_role("button", name="Left", exact=True).tap()
        shows(page, "^[OD")
        session.terminate(grace_s=0)


def test_beside_a_keyboard_on_the_screen_there_is_the_terminal_and_its_keys(
    opened: Callable[..., Page], roost: Instance
) -> None:
    page = opened(**PHONE)
    with roost.client() as client:
        session = client.spawn(["sh", "-c", "echo hello; read x"], name="short")
        go(page, f"/s/{session.id}")
        shows(page, "hello")
        page.set_viewport_size({"width": 393, "height": 330})
        page.wait_for_function("() => document.documentElement.classList.contains('short')")
        keys = page.get_by_role("toolbar", name="Keys").bounding_box()
        screen = page.locator(".screen").bounding_box()
        assert keys and screen
        assert keys["y"] + keys["height"] <= 330
        assert screen["height"] > 200
        session.terminate(grace_s=0)


def test_what_is_said_beside_the_terminal_does_not_change_its_size(
    opened: Callable[..., Page], roost: Instance
) -> None:
    page = opened()
    with roost.client() as client:
        session = client.spawn(["sh", "-c", "echo hello; trap 'stty size' WINCH; while :; do read x; done"])
        go(page, f"/s/{session.id}")
        shows(page, "hello")
        attached(page)
        resized = page.locator(".timeline li button", has_text="resized")
        resized.first.wait_for()
        page.keyboard.press("Control+Shift+F")
        page.get_by_role("search").wait_for()
        page.keyboard.press("Escape")
        client.rename(session.id, "told")
        page.locator(".timeline li button", has_text="renamed").wait_for()
        assert resized.count() == 1
        session.terminate(grace_s=0)


def test_a_program_without_a_terminal_is_typed_to_in_lines(opened: Callable[..., Page], roost: Instance) -> None:
    page = opened()
    script = "echo out; echo problem >&2; read x; echo got $x; cat; echo the end; sleep 600"
    roost.roost("run", "--pipe", "-d", "--name", "piped", "--", "sh", "-c", script)
    go(page, "/s/piped")
    shows(page, "out")
    attached(page)
    page.keyboard.type("hellooo")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    shows(page, "got hello")
    assert [line.rstrip() for line in page.evaluate(ROWS).split("\n")[:3]] == ["out", "hello", "got hello"]
    page.keyboard.press("Control+D")
    shows(page, "the end")
    page.get_by_label("Stream").select_option("stderr")
    shows(page, "problem")
