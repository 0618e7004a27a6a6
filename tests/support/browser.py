"""What the tests of the page share with the picture of it: links that let in, where pictures go, what is shown."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from support.instance import SOURCE, Instance

if TYPE_CHECKING:
    from playwright.sync_api import Page, Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

#: What to say where there is none.
NO_CHROMIUM = "no Chromium: install one (Debian: apt install chromium), or run `playwright install chromium`"

#: Pictures that the tests leave for people to look at; not committed.
PICTURES = SOURCE.parent / "build" / "page"


def chromium_of(driver: Playwright) -> str | None:
    """The machine's Chromium, else playwright's own; None where there is neither."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    own = driver.chromium.executable_path
    return found or (own if Path(own).is_file() else None)


def link_of(instance: Instance, scope: str = "admin") -> str:
    """A link that lets one browser in, once, as `roost web` prints it."""
    with instance.client() as client:
        urls = [str(entry["url"]) for entry in client.access.addresses()]
        url = next((url for url in urls if url.startswith("http://127.")), None) or client.access.listen("127.0.0.1:0")
        return f"{url}/#ticket={quote(client.access.ticket(scope))}"


#: What the terminal shows, as the browser runs it.
ROWS = "() => document.querySelector('.xterm-rows')?.innerText.replaceAll('\\u00a0', ' ') ?? ''"


def shows(page: Page, text: str) -> None:
    """Wait until the terminal shows that."""
    page.wait_for_function(f"(text) => ({ROWS})().includes(text)", arg=text)


def go(page: Page, place: str) -> None:
    """Go to a place of the page."""
    page.evaluate("(place) => { location.hash = place }", place)


def attached(page: Page) -> None:
    """Wait until the terminal has its connection, and nothing is said of it."""
    page.wait_for_function("() => document.querySelector('.notes')?.innerText === ''")
