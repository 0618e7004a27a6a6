"""Bearer tokens, browser grants and tickets: how they are made, stored hashed, and recognised.

Pure: randomness and the clock are passed in. A secret is 256 bits of randomness, so one round of SHA-256 is enough:
there is nothing to guess. The stored form does not give the secret back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from roost.core.access import check_scope_name
from roost.errors import InvalidError

PREFIX = "roost_"
SECRET_BYTES = 32
ID_BYTES = 4
#: What a ticket is good for, in seconds, once.
TICKET_S = 30.0
#: How long a browser stays let in.
GRANT_S = 12 * 3600.0
#: Tokens without another wish.
DEFAULT_TOKEN_S = 90 * 86400.0


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a credential. digest: SHA-256 of the whole text, in hexadecimal. kind: `token`, or `browser`
    for what a ticket was exchanged for. Times in Unix seconds; expires_at: None for never."""

    id: str
    digest: str
    scope: str
    kind: str
    name: str
    created_at: float
    expires_at: float | None

    def alive(self, now: float) -> bool:
        """Whether it counts at that moment."""
        return self.expires_at is None or now < self.expires_at

    def shown(self) -> dict[str, Any]:
        """What may be told of it."""
        return {name: value for name, value in asdict(self).items() if name != "digest"}


def new_token(
    randomness: bytes, *, scope: str, kind: str, name: str, now: float, lasts_s: float | None
) -> tuple[Token, str]:
    """A credential from ID_BYTES + SECRET_BYTES of randomness: what is kept, and the text that is told once."""
    token_id = randomness[:ID_BYTES].hex()
    text = f"{PREFIX}{token_id}_{randomness[ID_BYTES:].hex()}"
    expires_at = None if lasts_s is None else now + lasts_s
    return Token(token_id, digest_of(text), check_scope_name(scope), kind, name, now, expires_at), text


def digest_of(text: str) -> str:
    """The stored form of a secret."""
    import hashlib  # here: a daemon without HTTP needs no OpenSSL

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def find_token(text: str, tokens: Iterable[Token], *, kind: str, now: float) -> Token | None:
    """The credential that a text is; None for one that is unknown or has expired. Takes as long for each of them."""
    import hmac  # here, as above

    digest = digest_of(text)
    found = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest) and token.kind == kind and token.alive(now):
            found = token
    return found


def encode_tokens(tokens: Iterable[Token]) -> bytes:
    """The content of the file that they are kept in."""
    return json.dumps({"version": 1, "tokens": [asdict(token) for token in tokens]}, indent=1).encode() + b"\n"


def decode_tokens(content: bytes) -> list[Token]:
    """The credentials in a file's content. Raises InvalidError: a file that cannot be read lets nobody in."""
    try:
        entries = json.loads(content)["tokens"]
        names = [item.name for item in fields(Token)]
        return [Token(**{name: entry[name] for name in names}) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidError(f"the tokens cannot be read ({error!r})") from error
