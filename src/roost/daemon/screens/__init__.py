"""Screens in the daemon: an area that has sessions emulated in a worker process, and shows what they show."""

from __future__ import annotations

from roost.core.events import EventFilter
from roost.daemon.around import Context, Wired


def wire(context: Context) -> Wired:
    """The area; leaves `screens` for those who wait for what a screen shows."""
    from roost.daemon.screens.calls import screen_methods
    from roost.daemon.screens.painting import Painter
    from roost.daemon.screens.screens import Screens

    screens = Screens(context.loop, context.tasks, context.service.link)
    context.areas.add(screens)
    purged = EventFilter(categories=frozenset(("lifecycle",)), types=frozenset(("purged",)))
    context.bus.subscribe(purged, screens.on_purged, passive=True)
    context.service.paint = Painter(context.loop, screens).prepare
    context.shared["screens"] = screens
    return Wired(methods=screen_methods(screens), close=screens.close)
