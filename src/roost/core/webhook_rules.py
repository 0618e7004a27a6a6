"""What a webhook's sender has to get right: the signature, which addresses, what an answer means. Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from roost.errors import InvalidError

_PREFIX = "whsec_"
_NAT64 = IPv6Network("64:ff9b::/96")
#: No server may keep an event from being tried again for longer.
MOST_RETRY_AFTER_S = 86400.0
#: The event itself is not taken: sending the same bytes again cannot help.
REFUSED_STATUSES = frozenset({400, 413, 415, 422})
#: The receiver wants nothing any more. Source: Standard Webhooks, "Operational considerations".
GONE_STATUS = 410


def read_secrets(text: str) -> tuple[bytes, ...]:
    """The keys in a secret: base64, usually behind `whsec_`; several, while they are changed, with spaces between.

    Raises InvalidError that does not show the secret. Source: Standard Webhooks, "Signature scheme".
    """
    keys = []
    for part in text.split():
        try:
            keys.append(base64.b64decode(part.removeprefix(_PREFIX), validate=True))
        except (binascii.Error, ValueError) as error:
            raise InvalidError("the secret is no base64 (whsec_… as Standard Webhooks writes it)") from error
    if not keys or not all(keys):
        raise InvalidError("the secret is empty")
    return tuple(keys)


def signature(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one `v1,` signature a key over id, timestamp and the exact body."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join("v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)


def retry_after_s(header: str, now: float) -> float | None:
    """What `Retry-After` asks for, in seconds or as a date; None when it asks for nothing that can be read."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MOST_RETRY_AFTER_S)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(0.0, (until - datetime.fromtimestamp(now, UTC)).total_seconds()), MOST_RETRY_AFTER_S)


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, also looked at as the IPv4 address that it may carry inside."""
    found = ip_address(address.partition("%")[0])
    return all(one.is_global and not one.is_multicast for one in _meanings(found))


def _meanings(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    inside: list[IPv4Address | IPv6Address] = [address]
    if address.sixtofour:
        inside.append(address.sixtofour)
    if address.teredo:
        inside += address.teredo
    if address in _NAT64:
        inside.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return inside
