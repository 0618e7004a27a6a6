"""How the page looks: pictures for people in build/page, nothing wider than the window, nothing that a checker of
accessibility finds serious."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from support.browser import PICTURES
from support.instance import SOURCE, Instance

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = SOURCE.parent / "web/node_modules/axe-core/axe.min.js"
PLACES = ("overview", "session", "health", "start")
COLOURS = "printf '\\033[1;34mblue\\033[0m \\033[32mgreen\\033[0m \\033[41mred\\033[0m\\n'; ls -la /; read x"


@pytest.fixture(scope="module")
def busy(roost: Instance) -> Iterator[Instance]:
    """A roost with something to see."""
    with roost.client() as client:
        client.spawn(["sh", "-c", COLOURS], name="colours", labels={"team": "blue"})
        client.spawn(["sh", "-c", "exit 3"], name="failed")
        asking = client.spawn(["sleep", "600"], name="an-agent-with-quite-a-long-name")
        client.approvals.ask("Bash", "rm -rf build && make release", target=asking.id, timeout_s=300, wait=False)
    yield roost


@pytest.fixture(scope="module")
def checker() -> str:
    """The checker of accessibility: what built the page brought it along, so it is never left out."""
    assert AXE.is_file(), "the page was built, and web/node_modules is gone since: `npm ci --prefix web` brings it back"
    return AXE.read_text()


def show(page: Page, place: str) -> None:
    """Show one of PLACES, all of it."""
    page.evaluate("() => { location.hash = '/' }")
    page.wait_for_selector(".question")
    page.wait_for_selector(".tile >> nth=2")
    if place == "session":
        page.click(".tile a:has(strong:text-is('colours'))")
        page.wait_for_function("() => document.querySelector('.xterm-rows')?.innerText.includes('root')")
    elif place == "health":
        page.evaluate("() => { location.hash = '/health' }")
        page.wait_for_selector(".checks li")
        page.wait_for_selector(".plot polyline", state="attached")
    elif place == "start":
        page.get_by_role("button", name="New session").click()
        page.wait_for_selector("dialog[open]")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_fits_and_no_serious_problem_is_found(
    opened: Callable[..., Page], busy: Instance, checker: str, width: int, scheme: str
) -> None:
    page = opened(width=width, height=800 if width > 400 else 740, scheme=scheme)
    found: dict[str, Any] = {}
    PICTURES.mkdir(parents=True, exist_ok=True)
    for place in PLACES:
        show(page, place)
        page.screenshot(path=PICTURES / f"{place}-{width}-{scheme}.png")
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), place
        if place == PLACES[0]:
            page.evaluate(checker)
        found[place] = page.evaluate(
            """() => axe.run({exclude: [".xterm-rows"]}).then(({violations}) => violations
                .filter(({impact}) => impact === "serious" || impact === "critical")
                .map(({id, nodes}) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`))"""
        )
    assert {place: problems for place, problems in found.items() if problems} == {}


def test_everything_is_reached_by_the_keyboard(opened: Callable[..., Page], busy: Instance) -> None:
    page = opened()
    page.wait_for_selector(".tile >> nth=2")
    page.keyboard.press("/")
    page.keyboard.type("colours")
    page.wait_for_function("() => document.querySelectorAll('.tile').length === 1")
    page.keyboard.press("Escape")
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.classList.contains('xterm-helper-textarea')")
    page.keyboard.press("Control+Shift+.")
    page.wait_for_function("() => document.activeElement.classList.contains('back')")
    assert page.title() == "(1) an-agent-with-quite-a-long-name · roost"
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.closest('.tile')?.innerText.startsWith('an-agent')")
    page.keyboard.press("n")
    page.wait_for_selector("dialog[open]")
    page.keyboard.type("echo started by-keys; sleep 600")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.xterm-rows')?.innerText.includes('by-keys')")
