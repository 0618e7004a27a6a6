"""Who is let in: tokens and browser grants in a file, hashed; tickets in memory.

Owns `<state>/tokens.json` (0600, written whole). A file that cannot be read lets nobody in and is not written over.
What a token is, is `roost.core.tokens`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from roost.core.tokens import (
    DEFAULT_TOKEN_S,
    GRANT_S,
    ID_BYTES,
    SECRET_BYTES,
    TICKET_S,
    Token,
    decode_tokens,
    digest_of,
    encode_tokens,
    find_token,
    new_token,
)
from roost.errors import InvalidError, NoRunError, RoostError
from roost.platform.run_files import write_whole

#: Kept at once; a browser grant more pushes out the oldest grant, a token more is refused.
MOST_TOKENS = 1000
MOST_GRANTS = 100
MOST_TICKETS = 100


@dataclass(frozen=True, slots=True)
class Ticket:
    """Lets one browser in, once. digest: of its text. until: by the given clock."""

    digest: str
    scope: str
    name: str
    until: float


class Credentials:
    """All credentials of a daemon. `clock` gives Unix seconds."""

    def __init__(self, path: str, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._tickets: list[Ticket] = []
        self._tokens: list[Token] = []
        self._stamp: tuple[int, int, int] | None = None
        self._trouble: RoostError | None = None
        self._read()

    # --- the file ---------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Read the file again if it is another one than before."""
        try:
            found = os.stat(self._path)
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return
            with open(self._path, "rb") as file:
                self._tokens = decode_tokens(file.read())
        except FileNotFoundError:
            self._tokens, self._stamp, self._trouble = [], None, None
        except (OSError, InvalidError) as error:
            self._tokens, self._stamp = [], None
            self._trouble = RoostError(
                f"{self._path} cannot be used: {error}; nobody is let in by token. Move it away and make new tokens",
                kind="unavailable",
            )
        else:
            self._stamp, self._trouble = stamp, None

    def _write(self, tokens: list[Token]) -> None:
        now = self._clock()
        kept = [token for token in tokens if token.alive(now)]
        grants = [token for token in kept if token.kind == "browser"]
        surplus = set(grants[: max(0, len(grants) - MOST_GRANTS)])
        kept = [token for token in kept if token not in surplus]
        try:
            write_whole(self._path, encode_tokens(kept))
        except OSError as error:
            raise RoostError(f"{self._path} cannot be written: {error.strerror}", kind="unavailable") from error
        self._tokens = kept
        found = os.stat(self._path)
        self._stamp = (found.st_ino, found.st_mtime_ns, found.st_size)

    def _usable(self) -> list[Token]:
        self._read()
        if self._trouble is not None:
            raise self._trouble
        return self._tokens

    # --- tokens -----------------------------------------------------------------------------------------------------

    def create(self, scope: str, name: str, lasts_s: float | None = DEFAULT_TOKEN_S) -> tuple[Token, str]:
        """A new token and its text, which is told only now."""
        tokens = self._usable()
        if len(tokens) >= MOST_TOKENS:
            raise InvalidError(f"{MOST_TOKENS} tokens are kept, which is the limit; `roost token revoke` ends some")
        token, text = new_token(
            os.urandom(ID_BYTES + SECRET_BYTES),
            scope=scope,
            kind="token",
            name=name,
            now=self._clock(),
            lasts_s=lasts_s,
        )
        self._write([*tokens, token])
        return token, text

    def list(self) -> list[Token]:
        """What is there and has not expired, oldest first."""
        now = self._clock()
        return [token for token in self._usable() if token.alive(now)]

    def revoke(self, which: str) -> Token:
        """End a token or browser grant by id, or a token by its name if only one has it. Raises NoRunError."""
        tokens = self.list()
        found = [t for t in tokens if t.id == which] or [t for t in tokens if t.kind == "token" and t.name == which]
        if len(found) != 1:
            problem = "no token is" if not found else f"{len(found)} tokens are"
            raise NoRunError(f"{problem} called {which!r}; `roost token list` shows their ids")
        self._write([token for token in tokens if token is not found[0]])
        return found[0]

    def find(self, text: str, kind: str = "token") -> Token | None:
        """The credential that a text is, None when it does not count. Raises RoostError when the file is unusable."""
        return find_token(text, self._usable(), kind=kind, now=self._clock())

    @property
    def any_token(self) -> bool:
        """Whether there is a token that somebody could come with."""
        return any(token.kind == "token" for token in self.list())

    # --- tickets ----------------------------------------------------------------------------------------------------

    def ticket(self, scope: str, name: str) -> str:
        """A ticket for a browser: counts once, for 30 s."""
        import secrets  # here: a daemon without HTTP needs no OpenSSL

        text = secrets.token_urlsafe(SECRET_BYTES)
        now = self._clock()
        self._tickets = [ticket for ticket in self._tickets if ticket.until > now][-(MOST_TICKETS - 1) :]
        self._tickets.append(Ticket(digest_of(text), scope, name, now + TICKET_S))
        return text

    def exchange(self, text: str) -> tuple[Token, str] | None:
        """Let a browser in for a ticket: what is kept, and the cookie's value. None when the ticket does not count."""
        import secrets  # here, as above

        digest = digest_of(text)
        ticket = next((t for t in self._tickets if secrets.compare_digest(t.digest, digest)), None)
        if ticket is None:
            return None
        self._tickets.remove(ticket)
        now = self._clock()
        if ticket.until <= now:
            return None
        grant, value = new_token(
            os.urandom(ID_BYTES + SECRET_BYTES),
            scope=ticket.scope,
            kind="browser",
            name=ticket.name,
            now=now,
            lasts_s=GRANT_S,
        )
        self._write([*self._usable(), grant])
        return grant, value
