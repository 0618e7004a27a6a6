"""roost: sessions that outlive everything but the machine.

The package root stays small so that the CLI starts fast: the public names are loaded on first use.
"""

from __future__ import annotations

from roost.version import __version__

TYPE_CHECKING = False  # not from typing: the keeper imports this package and would pay 2 MB for it
if TYPE_CHECKING:
    from roost.client import AsyncClient, Client
    from roost.client.emitting import emit
    from roost.errors import RoostError

__all__ = ["AsyncClient", "Client", "RoostError", "__version__", "emit"]


def __getattr__(name: str) -> object:
    if name in ("AsyncClient", "Client"):
        import roost.client

        return getattr(roost.client, name)
    if name == "emit":
        from roost.client.emitting import emit

        return emit
    if name == "RoostError":
        from roost.errors import RoostError

        return RoostError
    raise AttributeError(f"module 'roost' has no attribute {name!r}")
