"""What a program asks its terminal by escape sequences: which questions there are, and what is kept of one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from roost.core.colours import RGB

#: So many wait to be taken; of more the newest.
MAX_QUERIES = 32
#: Control sequences that ask, without their parameters: which kind of question each is.
QUERIES = {
    b"[>c": "da2",
    b"[=c": "da3",
    b"[?n": "decdsr",
    b"[$p": "decrqm",
    b"[?$p": "decrqm",
    b"[>q": "xtversion",
    b"[?u": "kitty",
    b"[?m": "modify_keys",
}
#: What CSI n asks for, by its parameter.
REPORTS = {5: "dsr", 6: "cpr"}
#: Parameters by which CSI t asks for sizes and titles.
SIZE_QUERIES = frozenset((11, 13, 14, 15, 16, 18, 19, 20, 21))


class Query(NamedTuple):
    """A question of the program to its terminal. offset: where it stands; kind: which; detail: it, without ESC.

    colours: of a question about colours, those that were set by then.
    """

    offset: int
    kind: str
    detail: bytes
    colours: Mapping[int, RGB] = {}
