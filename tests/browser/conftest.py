"""A real browser on a roost of its own. Skipped where no Chromium is to be found, or the page was not built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from support.browser import NO_CHROMIUM, chromium_of, link_of
from support.fixtures import shared
from support.instance import SOURCE, Instance

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser", "opened", "roost", "shared"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a file. Not longer: playwright keeps a loop running in this thread meanwhile."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not (SOURCE / "roost/assets/page/index.html").is_file():
        pytest.skip("the page was not built: that takes npm and a network")
    with playwright.sync_playwright() as driver:
        path = chromium_of(driver)
        if path is None:
            pytest.skip(NO_CHROMIUM)
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def roost(shared: Instance) -> Instance:
    """A roost that the tests of a file share."""
    return shared


@pytest.fixture
def opened(browser: Browser, roost: Instance) -> Iterator[Callable[..., Page]]:
    """Opens the page in a browser profile of its own. At the end nothing may have gone wrong in it, nothing have been
    asked of another host, and nothing have been tried that the page's policy forbids."""
    contexts = []
    wrong: list[str] = []

    def open_page(
        width: int = 1280, height: int = 800, scheme: str = "light", instance: Instance = roost, **profile: Any
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **profile)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)  # a limit for what hangs; a busy machine takes seconds for a key
        link = link_of(instance)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda told: "Content Security" in told.text and wrong.append(told.text))
        page.on("request", lambda asked: is_elsewhere(asked.url, link) and wrong.append(asked.url))
        page.goto(link)
        page.wait_for_selector("main#main")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def is_elsewhere(url: str, link: str) -> bool:
    """Whether an address leads to another host than the link."""
    return not url.startswith("data:") and urlsplit(url).netloc != urlsplit(link).netloc
