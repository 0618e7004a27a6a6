"""The HTTP control plane in the daemon: its sockets from the start, everything else with the first connection.

Owns which addresses are listened on: the Unix socket always, TCP as asked for (`http.listen`, kept for the next daemon;
`[http] listen` of the configuration), and one of its own for each session that was started with `listen`. Light: it is
imported at the daemon's start.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from roost.core.config import Config
from roost.core.config_http import HttpConfig
from roost.core.listening import ListenAddress, parse_listen
from roost.daemon.around import Context, Wired
from roost.daemon.audit import Audit
from roost.daemon.call_list import METHODS as CALL_LIST
from roost.daemon.config_store import ConfigStore
from roost.daemon.create_calls import create_methods
from roost.daemon.http.access_calls import access_methods
from roost.daemon.http.credentials import Credentials
from roost.daemon.http.doors import Door, Doors
from roost.daemon.http.world import World
from roost.daemon.session import Session
from roost.errors import InvalidError, RoostError
from roost.platform.run_files import write_whole

if TYPE_CHECKING:
    from roost.daemon.http.stack import Stack

log = logging.getLogger(__name__)


class Http:
    """The control plane; `context.shared["http"]`."""

    key = "listen"

    def __init__(self, context: Context) -> None:
        self._context = context
        paths = context.paths
        self.credentials = Credentials(os.path.join(paths.state_dir, "tokens.json"))
        self.audit = Audit(context.loop, os.path.join(paths.state_dir, "audit.jsonl"))
        self._kept = os.path.join(paths.state_dir, "listen.json")
        self._of_session: dict[str, Door] = {}
        self._asked: dict[str, Door] = {}
        self._configured: dict[str, Door] = {}
        self._hosts: tuple[str, ...] = ()
        self.doors = Doors(
            context.loop, context.tasks, has_token=lambda: self.credentials.any_token, make_stack=self._make_stack
        )

    def _make_stack(self, module: Any) -> Stack:
        stack: Stack = module.Stack(World(self._context, self.credentials, self.audit, self.doors))
        return stack

    # --- the daemon's own addresses ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen: on the Unix socket, and where the previous daemon did."""
        try:
            self.doors.open(ListenAddress(path=self._context.paths.http_socket))
        except RoostError as error:
            log.error("HTTP is not served on its socket: %s", error.message)
        for address, hosts in self._read_kept():
            try:
                self._asked[address.url] = self.doors.open(address, hosts=hosts)
            except RoostError as error:
                log.error("HTTP is not served at %s any more: %s", address.url, error.message)

    # --- the configuration ------------------------------------------------------------------------------------------

    def configure(self, config: HttpConfig) -> None:
        """Do as the configuration says from now on: what it no longer names is closed, what is new is opened."""
        self.audit.contents = config.audit_contents
        if config.audit_contents:  # what is typed has to come through the daemon from now on
            for session in self._context.table:
                if session.typing.past_daemon:
                    ending = session.typing.end_direct()
                    self._context.tasks.create_task(ending, name=f"input of {session.id}")
        for url in [url for url in self._configured if url not in config.listen or config.hosts != self._hosts]:
            self.doors.close(self._configured.pop(url))
        self._hosts = config.hosts
        for url in config.listen:
            if url not in self._configured:
                try:
                    self._configured[url] = self.doors.open(parse_listen(url), hosts=config.hosts)
                except RoostError as error:
                    log.error("HTTP is not served at %s, as [http] listen says: %s", url, error.message)

    async def take_part(self, config: Config) -> Callable[[], None]:
        """What a reload changes here. Raises InvalidError for an address that must not be listened on."""
        mine = config.of(HttpConfig)
        for url in mine.listen:
            self.check({"address": url})
        return lambda: self.configure(mine)

    def _read_kept(self) -> list[tuple[ListenAddress, tuple[str, ...]]]:
        try:
            with open(self._kept, encoding="utf-8") as file:
                return [(parse_listen(e["address"]), tuple(e["hosts"])) for e in json.load(file)["listen"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, RoostError) as error:
            log.error("%s cannot be read: %s", self._kept, error)
            return []

    def _keep(self) -> None:
        listen = [{"address": door.address.url, "hosts": door.extra.get("hosts", [])} for door in self._asked.values()]
        try:
            write_whole(self._kept, json.dumps({"listen": listen}).encode())
        except OSError as error:
            log.error("%s cannot be written: %s", self._kept, error)

    def listen(self, text: str, hosts: list[str]) -> str:
        """Listen at an address too, until told otherwise; its URL. Raises InvalidError, DeniedError, RoostError."""
        address = parse_listen(text)
        door = self._asked.get(address.url)
        if door is None:
            door = self.doors.open(address, hosts=tuple(hosts))
            door.extra["hosts"] = hosts
            self._asked[door.address.url] = door
            self._keep()
        return door.address.url

    def unlisten(self, text: str) -> list[str]:
        """Listen at that address no more ("": at none that was asked for); the URLs."""
        urls = [parse_listen(text).url] if text else list(self._asked)
        unknown = [url for url in urls if url not in self._asked]
        if unknown:
            known = ", ".join(self._asked) or "none"
            raise InvalidError(f"{unknown[0]} is not listened on by request; what is: {known}")
        for url in urls:
            self.doors.close(self._asked.pop(url))
        self._keep()
        return urls

    def status(self) -> list[dict[str, Any]]:
        """Every address, and what it leads to."""
        return [{"url": door.address.url, "session": door.only or None, "local": door.local} for door in self.doors]

    # --- addresses of single sessions (an area) ---------------------------------------------------------------------

    def check(self, options: Any) -> None:
        """Refuse an address that could not be listened on. Raises InvalidError, DeniedError."""
        address = _address_of(options)
        if not address.loopback and not self.credentials.any_token:
            raise InvalidError(
                f"{address.authority} can be reached from other machines, and there is no token that would keep them "
                "out; make one with `roost token create`, or listen on 127.0.0.1"
            )

    def on_session(self, session: Session, options: Any, *, adopted: bool) -> None:
        """Open its address; the next daemon opens the same port again."""
        if options is None:
            return
        self._take_over(_address_of(options).url)
        try:
            door = self.doors.open(_address_of(options), only=session.id)
        except RoostError as error:
            log.error("session %s is not served at an address of its own: %s", session.record.name, error.message)
            return
        self._of_session[session.id] = door
        session.record.options["listen"] = {**options, "address": door.address.url}
        self._context.save(session)
        runs = self._context.shared.get("runs")
        if runs is not None:
            runs.set_addr(session, door.address.url)
        self._context.tasks.create_task(self._close_when_forgotten(session, door), name="address of a session")

    def _take_over(self, url: str) -> None:
        """A session that has exited gives its address up when another one wants it, as after a restart."""
        for session in self._context.table:
            door = self._of_session.get(session.id)
            if door is not None and door.address.url == url and not session.live:
                self._give_up(session, door)
                del session.record.options["listen"]
                self._context.save(session)

    def _give_up(self, session: Session, door: Door) -> None:
        if self._of_session.pop(session.id, None) is not None:
            self.doors.close(door)
        runs = self._context.shared.get("runs")
        if runs is not None:
            runs.set_addr(session, "")

    async def _close_when_forgotten(self, session: Session, door: Door) -> None:
        """What an exited session has written stays readable until it is forgotten."""
        await session.gone.wait()
        if self._of_session.get(session.id) is door:
            del self._of_session[session.id]
            self.doors.close(door)

    async def close(self) -> None:
        """The daemon stops."""
        self.doors.close_all()
        self.audit.close()


def _address_of(options: Any) -> ListenAddress:
    if not isinstance(options, dict) or not isinstance(options.get("address"), str) or set(options) != {"address"}:
        raise InvalidError('listen: give {"address": "127.0.0.1:0"}')
    return parse_listen(options["address"])


def wire(context: Context) -> Wired:
    """The HTTP control plane."""
    http = Http(context)
    context.areas.add(http)
    context.shared["http"] = http
    context.shared["audit"] = http.audit
    context.service.audit = http.audit
    context.service.behind_address = http.doors.behind
    http.start()
    store: ConfigStore = context.shared["config"]
    http.configure(store.current.of(HttpConfig))
    store.participate(http.take_part)
    return Wired(
        methods={**create_methods(), **access_methods(http), **CALL_LIST},
        close=http.close,
        listen_again=http.doors.open_again,
    )
