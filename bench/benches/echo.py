"""A keystroke's round trip through an attached session: typed byte, raw-mode child, byte back at the client.

Compared: roost with a client that reads the ring itself and types past the daemon (as roost's own do), with one that
only reads itself, with one of plain v1 over frames, and with one that is sent the frames of roost's extension (where
there is no ring to read); dtach over its packets (the same C program as client of all), a raw PTY, tmux with its own
client. And a C program with the hops that frames have through the daemon: by how much it is slower than dtach is what
hops cost in any language, by how much roost is slower than it is what Python costs.
Situations: nothing else going on; the control plane busy (one client in a closed loop of `sessions.list` and
`daemon.status` on a roost with 20 idle sessions: on the measured daemon, and beside dtach, so that the machine is as
busy); six other sessions flooding without clients, of the same host. A pause of 300 µs before each byte.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from bench import hosts, lightwire, native
from bench.context import Context
from bench.report import Row, Target, at_most, compared
from bench.roost_host import RoostHost
from bench.stats import alternate

_FLOODS = 6
#: A slow situation is measured with fewer keystrokes, not for longer.
_LIMIT_S = "4"
_IDLE_SESSIONS = 20
_ECHO = "echo"
_POINTS = ("p50_us", "p99_us")
#: How roost's client gets its output.
_WAYS = ("direct", "local", "frames", "extended")
_RELAY = hosts.RelayHost.name
_FLOOD = "flood"
_Echo = dict[str, Any]
_Runs = dict[str, Callable[[], _Echo]]


def _roost_echo(
    context: Context, roost: RoostHost, count: int, *, local: bool = False, types: bool = False, plain: bool = False
) -> _Echo:
    target = roost.open([native.program(_ECHO)])
    how = ("--local",) if local else ()
    request = lightwire.attach_v1(target) if plain else lightwire.attach(target, local=local, types=types)
    client, out = roost.view(request, "--echo", str(count), "--seconds", _LIMIT_S, *how)
    result = hosts.Watch(context, client, out, host=None).finish()
    roost.end([target])
    return result


def _echo(host: hosts.Host, count: int) -> _Echo:
    return host.watch([native.program(_ECHO)], "--echo", str(count), "--seconds", _LIMIT_S).finish()


@contextlib.contextmanager
def _busy_control_plane(context: Context, roost: RoostHost) -> Iterator[None]:
    request = lightwire.call("sessions.list", {"all": True}) + lightwire.call("daemon.status")
    client, _ = roost.view(request, "--calls", "100000000", "--answers", "2")
    try:
        yield
    finally:
        context.end(client)


@contextlib.contextmanager
def _roost_floods(roost: RoostHost) -> Iterator[None]:
    targets = roost.open_many([[native.program(_FLOOD), "--seconds", "200"]] * _FLOODS)
    try:
        yield
    finally:
        roost.end(targets)


@contextlib.contextmanager
def _dtach_floods(context: Context, dtach: hosts.DtachHost) -> Iterator[None]:
    servers = [dtach.open([native.program(_FLOOD), "--seconds", "200"])[1] for _ in range(_FLOODS)]
    try:
        yield
    finally:
        for server in servers:
            context.end(server)


def _during(situation: Callable[[], contextlib.AbstractContextManager[None]], run: Callable[[], _Echo]) -> _Echo:
    with situation():
        return run()


def _rows(label: str, results: dict[str, list[_Echo]], targets: dict[str, Target]) -> list[Row]:
    rows = []
    peers = dict.fromkeys(("dtach", *results))
    for way in _WAYS:
        for peer in [name for name in peers if name not in _WAYS and (name != _RELAY or way == "extended")]:
            for point in _POINTS:
                ours, theirs = ([one[point] for one in results.get(name, ())] for name in (way, peer))
                target = targets.get(point) if peer == "dtach" else None
                rows.append(compared(f"{label}, {way}, {point[:3]}", "µs", ours, peer, theirs or None, target))
    return rows + _hops(label, results)


def _hops(label: str, results: dict[str, list[_Echo]]) -> list[Row]:
    """The C program with roost's hops beside dtach: no roost takes part."""
    pairs = [[[one[point] for one in results.get(name, ())] for name in (_RELAY, "dtach")] for point in _POINTS]
    return [
        compared(f"{label}, {_RELAY} itself, {point[:3]}", "µs", relay, "dtach", dtach)
        for point, (relay, dtach) in zip(_POINTS, pairs, strict=True)
        if relay and dtach
    ]


def run(context: Context) -> list[Row]:
    count, rounds = context.choose(2000, 500), context.choose(5, 2)
    raw, relay, dtach = hosts.RawHost(context), hosts.RelayHost(context), hosts.optional(hosts.DtachHost, context)
    tmux = hosts.optional(hosts.TmuxHost, context)
    strict = {"p50_us": at_most(1.3), "p99_us": at_most(1.75)}
    with RoostHost(context) as roost:
        pair: _Runs = {
            "direct": lambda: _roost_echo(context, roost, count, local=True, types=True),
            "local": lambda: _roost_echo(context, roost, count, local=True),
            "frames": lambda: _roost_echo(context, roost, count, plain=True),
            "extended": lambda: _roost_echo(context, roost, count),
        }
        if dtach:
            pair["dtach"] = lambda: _echo(dtach, count)
        pair[relay.name] = lambda: _echo(relay, count)
        alone: _Runs = {**pair, raw.name: lambda: _echo(raw, count)}
        if tmux:
            alone["tmux"] = lambda: _echo(tmux, count // 2)
        rows = _rows("idle", alternate(rounds, alone), strict)

        flooding: _Runs = {
            way: lambda run=pair[way]: _during(lambda: _roost_floods(roost), run)  # type: ignore[misc]
            for way in _WAYS
        }
        if dtach:
            flooding["dtach"] = lambda: _during(lambda: _dtach_floods(context, dtach), pair["dtach"])
        rows += _rows("six sessions flooding", alternate(rounds, flooding), {"p50_us": at_most(1.5)})

        roost.open_many([["/bin/sleep", "1000"]] * _IDLE_SESSIONS)
        busy: _Runs = {
            name: lambda run=run: _during(lambda: _busy_control_plane(context, roost), run)  # type: ignore[misc]
            for name, run in pair.items()
        }
        rows += _rows("control plane busy", alternate(rounds, busy), strict)
    return rows
