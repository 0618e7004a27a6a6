"""Makes the picture of the page in README.md (`docs/page.png`) from a real run: a roost of its own, a real browser.

Run it with the development environment's Python: `python tools/picture.py`. Needs Chromium and vim.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import chromium_of, link_of  # noqa: E402
from support.instance import Instance  # noqa: E402

BUILD = (
    "for n in $(seq 60); do printf '\\033[32mPASS\\033[0m test %d of 60 \\033[2m(0.%02d s)\\033[0m\\n' $n $n; done; "
    "printf '\\033[1m60 passed\\033[0m\\n'; sleep 600"
)
AGENT = (
    "printf '\\033[1;35m●\\033[0m I will publish it now.\\n\\n  \\033[33mnpm publish --access public\\033[0m\\n\\n"
    "  Waiting for approval …\\n'; sleep 600"
)
SERVER = "while true; do printf '\\033[36mGET\\033[0m /v1/items 200 %d ms\\n' $((RANDOM % 90)); sleep 0.2; done"


def prepare(roost: Instance) -> None:
    """Start what is to be seen."""
    with roost.client() as client:
        client.spawn(["bash", "-c", BUILD], name="tests")
        client.spawn(["bash", "-c", SERVER], name="server")
        client.spawn(["vim", "-u", "NONE", "-c", "syntax on", "src/roost/core/names.py"], name="editor", cwd=str(ROOT))
        client.spawn(["sh", "-c", "echo 'deploy: no such host'; exit 3"], name="deploy")
        agent = client.spawn(["bash", "-c", AGENT], name="agent")
        client.approvals.ask("Bash", "npm publish --access public", target=agent.id, timeout_s=600, wait=False)


def main() -> None:
    """Make the picture."""
    roost = Instance()
    try:
        roost.start()
        prepare(roost)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium_of(driver), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1100, "height": 800}, color_scheme="dark")
            page.goto(link_of(roost))
            page.wait_for_selector(".question")
            page.wait_for_selector(".tile >> nth=4")
            page.wait_for_timeout(4000)  # the pictures of the screens come by themselves
            page.screenshot(path=ROOT / "docs/page.png")
            browser.close()
    finally:
        roost.end()
    print(f"docs/page.png: {(ROOT / 'docs/page.png').stat().st_size} bytes")


if __name__ == "__main__":
    main()
