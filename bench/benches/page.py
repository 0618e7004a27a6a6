"""The page in a headless Chromium: until it can be used, its bytes, a key press until its glyph, a flood, live tiles.

Needs playwright and a Chromium. No peer keeps sessions. The glyph is waited for in the
page, by an observer of the terminal's rows; frames are counted by the page itself while the flood runs.
"""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import native
from bench.context import Context
from bench.report import Row, at_most
from bench.stats import median, quantile

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "src/roost/assets/page"
FLOOD_BYTES = 50_000_000
#: Whatever takes longer has failed: the bench is to end, also on a machine that is busy.
_LONGEST_MS = 20_000

_ECHO = """async (count) => {
    const area = document.querySelector('.xterm-helper-textarea');
    const rows = document.querySelector('.xterm-rows');
    const times = [];
    for (let n = 0; n < count; n++) {
        const letter = String.fromCharCode(97 + n % 26);
        const before = rows.innerText.length;
        const shown = new Promise((done) => {
            const observer = new MutationObserver(() => {
                if (rows.innerText.length !== before) { observer.disconnect(); done(performance.now()); }
            });
            observer.observe(rows, {childList: true, subtree: true, characterData: true});
        });
        const pressed = performance.now();
        area.value = letter;
        const how = {data: letter, inputType: 'insertText', bubbles: true, composed: true};
        area.dispatchEvent(new InputEvent('input', how));
        area.value = '';
        const late = new Promise((done) => setTimeout(() => done(Infinity), 2000));
        times.push(await Promise.race([shown, late]) - pressed);
        await new Promise((done) => setTimeout(done, 20));
    }
    return times;
}"""
_FRAMES = """() => {
    window.frames_ = {last: performance.now(), most: 0, count: 0};
    const look = (now) => {
        frames_.most = Math.max(frames_.most, now - frames_.last); frames_.last = now; frames_.count++;
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""


def run(context: Context) -> list[Row]:
    """Everything, in one browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise native.MissingPeerError("playwright is not installed: `pip install -e .[dev]` brings it") from error
    if not (ASSETS / "index.html").is_file():
        raise native.MissingPeerError("the page was not built: that takes npm and a network while roost is installed")
    sys.path.insert(0, str(ROOT / "tests"))
    from support.browser import NO_CHROMIUM, chromium_of
    from support.instance import Instance

    roost = Instance()
    try:
        roost.start()
        with sync_playwright() as driver:
            path = chromium_of(driver)
            if path is None:
                raise native.MissingPeerError(NO_CHROMIUM)
            browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
            rows = [*_bytes(), *_measured(context, browser, roost)]
            browser.close()
    finally:
        roost.end()
    return rows


def _bytes() -> list[Row]:
    files = [path for path in ASSETS.iterdir() if path.suffix in (".js", ".css", ".html", ".svg")]
    first = [path for path in files if "xterm" not in path.read_text(errors="replace") or path.suffix == ".css"]
    size = lambda chosen: sum(len(path.read_bytes()) for path in chosen) / 1000  # noqa: E731
    packed = sum(len(gzip.compress(path.read_bytes())) for path in files) / 1000
    return [
        Row("bundle, all of it", "kB", size(files), note=f"{packed:.0f} kB if it were compressed"),
        Row("bundle, until the overview can be used", "kB", size(first), target=at_most(100)),
    ]


def _measured(context: Context, browser: Any, roost: Any) -> list[Row]:
    from support.browser import link_of

    def opened() -> Any:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(_LONGEST_MS)
        page.goto(link_of(roost))
        return page

    with roost.client() as client:
        shell = client.spawn(["sh", "-c", "stty raw -echo; exec cat"], name="echo")
        opening = [_timed(lambda: _ready(opened(), ".tile")) for _ in range(context.choose(7, 3))]
        page = opened()
        _ready(page, ".tile")
        echo = _echo(page, shell.id, context.choose(200, 40))
        took_s, gap_ms = _flood(page, client)
        cpu = _tiles(page, client, roost, context.choose(10, 4))
    return [
        Row("until the overview can be used", "ms", median(opening), target=at_most(1000)),
        Row("key press until its glyph, median", "ms", median(echo), target=at_most(50)),
        Row("key press until its glyph, p95", "ms", quantile(echo, 0.95)),
        Row("longest gap between frames, 50 MB flood", "ms", gap_ms, target=at_most(250), note=f"{took_s:.1f} s"),
        Row("20 live tiles, the daemon", "% of a core", cpu[0]),
        Row("20 live tiles, the page's main thread", "% of a core", cpu[1]),
    ]


def _ready(page: Any, selector: str) -> None:
    page.wait_for_selector(selector)


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _show(page: Any, place: str) -> None:
    page.evaluate("(place) => { location.hash = place }", place)


def _echo(page: Any, session: str, count: int) -> list[float]:
    _show(page, f"/s/{session}")
    page.wait_for_function("() => document.querySelector('.notes')?.innerText === ''")
    page.wait_for_selector(".xterm-rows")
    return [float(value) for value in page.evaluate(_ECHO, count)]


def _flood(page: Any, client: Any) -> tuple[float, float]:
    """How long the terminal took, in seconds, and the longest gap between two frames, in milliseconds."""
    script = f"read go; yes 'a line of the flood, of usual length' | head -c {FLOOD_BYTES}; echo; echo over; read end"
    session = client.spawn(["sh", "-c", script], name="flood", ring_bytes=64 << 20)
    _show(page, f"/s/{session.id}")
    page.wait_for_function("() => document.querySelector('.notes')?.innerText === ''")
    page.evaluate(_FRAMES)
    began = time.perf_counter()
    session.send("\n")
    page.wait_for_function(
        "() => /over/.test(document.querySelector('.xterm-rows').innerText)", timeout=2 * _LONGEST_MS
    )
    took_s = time.perf_counter() - began
    gap = float(page.evaluate("() => frames_.most"))
    session.terminate(grace_s=0)
    return took_s, gap


def _tiles(page: Any, client: Any, roost: Any, seconds: int) -> tuple[float, float]:
    """What 20 tiles of busy sessions cost, in percent of a core: the daemon, the page's main thread."""
    script = "while :; do date +%N; sleep 0.1; done"
    sessions = [client.spawn(["sh", "-c", script], name=f"live-{number}") for number in range(20)]
    _show(page, "/")
    page.wait_for_function("() => document.querySelectorAll('.tile').length >= 20")
    page.set_viewport_size({"width": 1600, "height": 1800})
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable")

    def spent() -> tuple[float, float]:
        told = {entry["name"]: entry["value"] for entry in metrics.send("Performance.getMetrics")["metrics"]}
        fields = Path(f"/proc/{roost.status()['pid']}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100, float(told["TaskDuration"])

    page.wait_for_timeout(2000)
    before = spent()
    page.wait_for_timeout(seconds * 1000)
    after = spent()
    for session in sessions:
        session.terminate(grace_s=0)
    return (after[0] - before[0]) * 100 / seconds, (after[1] - before[1]) * 100 / seconds
