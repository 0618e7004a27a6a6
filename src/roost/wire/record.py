"""A base for small value classes of the wire layer; knows nothing of what they hold.

In place of NamedTuple and dataclasses, whose imports alone cost more than a call of the command line may.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself is not imported: that would cost more than this package
if TYPE_CHECKING:
    from collections.abc import Iterator


class Record:
    """Compares, unpacks and prints by the slots of its class, in their order."""

    __slots__: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[object]:
        return (getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and type(self) is type(other) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash((type(self), *self))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in zip(self.__slots__, self, strict=True))
        return f"{type(self).__name__}({values})"
