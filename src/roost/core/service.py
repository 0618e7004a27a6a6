"""What a service is: its definition, as clients give it, as it is kept, and as it is shown. Pure.

Owns the fields, their defaults and what none can have. Zero in a time or a size means the default, as in protocol v1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from roost.core.supervision import ALWAYS, DEFAULT_DELAY_MS, DEFAULT_MIN_UPTIME_MS, RESTARTS, Policy
from roost.errors import InvalidError

DEFAULT_KILL_TIMEOUT_MS = 3000
#: A log file goes on in a new one at about this size, and so many old ones are kept.
DEFAULT_LOG_BYTES, DEFAULT_LOG_KEEP = 10 << 20, 3
MAX_NAME_LENGTH = 128
#: The target that means every service; no service can be called that.
ALL = "all"
CONDITIONS = ("started", "healthy", "exited")
_LARGEST = (1 << 32) - 1
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Health:
    """How to find out whether a service works: exactly one of `command`, `tcp` ("host:port") and `http` (an address).

    Within `start_period_s` of its start failures do not count; afterwards `retries` of them in a row make it unhealthy.
    """

    command: tuple[str, ...] = ()
    tcp: str = ""
    http: str = ""
    interval_s: float = 5.0
    timeout_s: float = 3.0
    retries: int = 3
    start_period_s: float = 10.0

    def check(self) -> None:
        """Raise InvalidError for what cannot be."""
        if sum(map(bool, (self.command, self.tcp, self.http))) != 1:
            raise InvalidError("a health check needs one of command, tcp and http, and only one")
        if self.tcp:
            host_and_port(self.tcp)
        if self.http and not self.http.startswith("http://"):
            raise InvalidError(f"health check {self.http!r} is no http:// address")
        if self.http:
            http_place(self.http)
        if not (0 < self.interval_s < 1e6 and 0 < self.timeout_s < 1e6 and 0 <= self.start_period_s < 1e6):
            raise InvalidError("interval and timeout of a health check are more than 0 s, start_period is 0 s or more")
        if self.retries < 1:
            raise InvalidError("retries of a health check are 1 or more")


@dataclass(frozen=True, slots=True)
class Definition:
    """A service. `cwd` empty: the daemon's. `env` is laid over the daemon's environment."""

    name: str
    cmd: tuple[str, ...]
    cwd: str = ""
    env: dict[str, str] = field(default_factory=dict)
    restart: str = ALWAYS
    max_restarts: int = 0
    restart_delay_ms: int = 0
    kill_timeout_ms: int = 0
    min_uptime_ms: int = 0
    log_bytes: int = 0
    log_keep: int = 0
    health: Health | None = None

    def check(self) -> None:
        """Raise InvalidError for what no service can be."""
        check_name(self.name)
        if not self.cmd or not self.cmd[0]:
            raise InvalidError(f"service {self.name!r} needs a command: cmd must not be empty")
        if any("\0" in text for text in (*self.cmd, self.cwd, *self.env, *self.env.values())):
            raise InvalidError(f"a NUL character in the command, directory or environment of service {self.name!r}")
        for key in self.env:
            if not key or "=" in key:
                raise InvalidError(f"service {self.name!r}: {key!r} cannot be the name of an environment variable")
        if self.restart not in RESTARTS:
            raise InvalidError(f"service {self.name!r}: restart is {' or '.join(RESTARTS)}, not {self.restart!r}")
        numbers = (self.max_restarts, self.restart_delay_ms, self.kill_timeout_ms, self.min_uptime_ms, self.log_keep)
        if not all(0 <= number <= _LARGEST for number in numbers) or self.log_bytes < 0:
            raise InvalidError(f"service {self.name!r}: numbers are from 0 to {_LARGEST}")
        if self.health is not None:
            self.health.check()

    @property
    def policy(self) -> Policy:
        """When it is started again."""
        return Policy(
            restart=self.restart,
            max_restarts=self.max_restarts,
            delay_ms=self.restart_delay_ms or DEFAULT_DELAY_MS,
            min_uptime_ms=self.min_uptime_ms or DEFAULT_MIN_UPTIME_MS,
        )

    @property
    def grace_s(self) -> float:
        """How long it may take to end after TERM."""
        return (self.kill_timeout_ms or DEFAULT_KILL_TIMEOUT_MS) / 1000

    @property
    def file_stem(self) -> str:
        """How its log files' names begin; different for different names."""
        safe = _UNSAFE.sub("_", self.name)
        if safe == self.name and not safe.startswith("."):
            return safe
        import hashlib  # rarely needed, and dear

        return f"{safe.lstrip('.')}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"


def check_name(name: str) -> None:
    """Raise InvalidError for what no service can be called."""
    if not name:
        raise InvalidError("a service needs a name: name must not be empty")
    if name == ALL:
        raise InvalidError(f"no service can be called {ALL!r}: that means every service")
    if len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise InvalidError(f"service name {name[:40]!r} is longer than {MAX_NAME_LENGTH} or has control characters")


def host_and_port(text: str) -> tuple[str, int]:
    """The parts of `host:port`; a numeric IPv6 address stands in brackets."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise InvalidError(f"{text!r} is no host:port")
    return host, int(port)


def http_place(address: str) -> tuple[str, int, str, str]:
    """Host, port, request target and Host header of an http:// address."""
    rest = address.removeprefix("http://").partition("#")[0]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority, target = rest[:cut], rest[cut:]
    if not target.startswith("/"):
        target = f"/{target}"
    has_port = ":" in authority.rpartition("]")[2]
    host, port = host_and_port(authority if has_port else f"{authority}:80")
    if "@" in authority or not target.isascii() or not target.isprintable() or " " in target:
        raise InvalidError(f"health check {address!r} is no plain http:// address")
    return host, port, target, authority


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the health checks of the present run say: starting, healthy or unhealthy; the last failure in words."""

    state: str = "starting"
    failures: int = 0
    detail: str = ""


def beat(pulse: Pulse, health: Health, failure: str | None, *, since_start_s: float) -> Pulse:
    """The pulse after one more check: `failure` is None when it went well."""
    if failure is None:
        return Pulse("healthy")
    if pulse.state == "starting" and since_start_s < health.start_period_s:
        return Pulse("starting", 0, failure)
    failures = pulse.failures + 1
    return Pulse("unhealthy" if failures >= health.retries else pulse.state, failures, failure)


def next_check_s(pulse: Pulse, health: Health, *, since_start_s: float) -> float:
    """How long until the next check; one that is starting is looked at more often."""
    if pulse.state == "starting" and since_start_s < health.start_period_s:
        return min(health.interval_s, 0.5)
    return health.interval_s
