"""Waiting for what sessions do: `wait.for`, `wait.output`, and `context.shared["waits"]`."""

from __future__ import annotations

from roost.daemon.around import Context, Wired


def wire(context: Context) -> Wired:
    """The area; leaves `waits` for what acts on conditions."""
    from roost.daemon.waiting.calls import wait_methods
    from roost.daemon.waiting.wait import Waits

    waits = Waits(context.loop, context.bus, context.shared)
    context.shared["waits"] = waits
    return Wired(methods=wait_methods(waits))
