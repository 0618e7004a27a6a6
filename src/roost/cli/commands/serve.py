"""`roost serve`: where the daemon is reached over HTTP."""

from __future__ import annotations

import click

from roost.cli.context import Invocation, json_option, pass_invocation
from roost.cli.failures import OK, say
from roost.cli.output import print_json


@click.command("serve")
@click.option("--listen", "address", metavar="HOST:PORT", help="Listen there too; port 0 takes any that is free.")
@click.option("--host", "hosts", multiple=True, metavar="NAME:PORT", help="A further name for it, as browsers send it.")
@click.option("--stop", metavar="HOST:PORT|all", help="Listen there no more.")
@json_option
@pass_invocation
def serve_command(
    invocation: Invocation, /, *, address: str | None, hosts: tuple[str, ...], stop: str | None, as_json: bool
) -> int:
    """Have the daemon listen for HTTP at an address, and print it; without options show all addresses.

    The daemon goes on listening there, also after a restart, until --stop. Over TCP every request needs a token
    (`roost token create`), and beyond this machine it does not even listen without one. The Unix socket is always there
    and needs none: only you can open it.
    """
    if address and stop:
        raise click.UsageError("--listen and --stop exclude each other; choose one")
    if hosts and not address:
        raise click.UsageError("--host names an address; give --listen too")
    with invocation.client() as client:
        if address:
            url = client.access.listen(address, hosts=hosts)
            has_token = any(token["kind"] == "token" for token in client.access.tokens())
            if as_json:
                print_json({"url": url})
            else:
                print(url)
                if not has_token:
                    say("there is no token yet, so nobody can ask there; `roost token create` makes one")
            return OK
        if stop:
            urls = client.access.unlisten("" if stop == "all" else stop)
            if as_json:
                print_json({"urls": urls})
            return OK
        addresses = client.access.addresses()
    if as_json:
        print_json({"addresses": addresses})
        return OK
    for entry in addresses:
        print(entry["url"] + (f"  (session {entry['session']} only)" if entry["session"] else ""))
    return OK
