"""Addresses to listen on over HTTP: how they are written, and which of them only this machine can reach.

Pure; opens nothing and looks up no names.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from roost.errors import InvalidError

_FORMS = "write HOST:PORT (127.0.0.1:0 takes any free port), [::1]:PORT or unix:/PATH"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where to listen: a host and port (0 for any that is free), or the path of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it. A name other than localhost may mean anything: no."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def wildcard(self) -> bool:
        """Whether it means every address of this machine."""
        return self.host in ("0.0.0.0", "::")

    @property
    def url(self) -> str:
        """How clients write it."""
        return f"unix:{self.path}" if self.path else f"http://{self.authority}"

    @property
    def authority(self) -> str:
        """`host:port`, as in a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_listen(text: str) -> ListenAddress:
    """The address in a text. Raises InvalidError that says how to write one."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path.startswith("/"):
            raise InvalidError(f"{text!r}: the path of a socket begins with /; {_FORMS}")
        return ListenAddress(path=path)
    host, colon, port = text.removeprefix("http://").rstrip("/").rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InvalidError(f"{text!r} is no address to listen on; {_FORMS}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if not _is_ipv6(host):
            raise InvalidError(f"{text!r}: {host!r} is no IPv6 address; {_FORMS}")
    elif not host or not all(c.isalnum() or c in "-." for c in host):
        raise InvalidError(f"{text!r} is no address to listen on; {_FORMS}")
    return ListenAddress(host=host.lower(), port=int(port))


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
