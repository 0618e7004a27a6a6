"""`roost web`: the page in a browser, let in by a link that counts once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Any
from urllib.parse import quote, urlsplit

import click

from roost.cli.context import Invocation, json_option, pass_invocation
from roost.cli.failures import OK, say
from roost.cli.output import print_json
from roost.paths import Paths
from roost.platform.run_files import write_whole

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.command("web")
@click.option(
    "--listen", "address", metavar="HOST:PORT", help="Serve the page there (default: 127.0.0.1, a free port)."
)
@click.option(
    "--scope",
    "grant",
    type=click.Choice(["read", "type", "admin"]),
    default="admin",
    show_default=True,
    help="What the browser may do: look, type too, or everything.",
)
@click.option("--print", "only_print", is_flag=True, help="Print the link and open nothing.")
@json_option
@pass_invocation
def web_command(invocation: Invocation, /, *, address: str | None, grant: str, only_print: bool, as_json: bool) -> int:
    """Open the page in a browser, or print the link where there is none.

    The link lets one browser in, once, within thirty seconds; after that the browser is known by a cookie. From another
    machine: forward the port (`ssh -L PORT:127.0.0.1:PORT host`), then open the link there.
    """
    with invocation.client() as client:
        url = client.access.listen(address) if address else _known_address(client.access.addresses())
        if url is None:
            url = client.access.listen("127.0.0.1:0")
        link = f"{url.rstrip('/')}/#ticket={quote(client.access.ticket(grant, name='roost web'))}"
    if as_json:
        print_json({"url": url, "link": link})
        return OK
    if not only_print and _open(link, os.path.join(Paths.for_scope(invocation.scope).runtime_dir, "open.html")):
        say(f"opened {url}")
        return OK
    print(link)
    if sys.stdout.isatty():
        say("open this link within 30 seconds; it lets one browser in, once")
    return OK


def _known_address(addresses: list[dict[str, Any]]) -> str | None:
    """The address on this machine's loopback that is listened on already, for all sessions."""
    for entry in addresses:
        url = str(entry["url"])
        if not entry["session"] and urlsplit(url).scheme == "http" and urlsplit(url).hostname in _LOOPBACK:
            return url
    return None


def _open(link: str, redirect: str) -> bool:
    """Hand the link to the desktop; False where there is none. By a file that only we can read: other users see the
    command lines of all processes."""
    opener = shutil.which("xdg-open") or shutil.which("open")
    desktop = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if opener is None or not desktop:
        return False
    page = f'<!doctype html><title>roost</title><meta http-equiv="refresh" content="0; url={link}">'
    try:
        write_whole(redirect, page.encode())
        done = subprocess.run(
            [opener, redirect],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
