"""A webhook's signature as the library of Standard Webhooks checks it, its addresses and what Retry-After means."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from roost.core.webhook_rules import is_public, read_secrets, retry_after_s, signature
from roost.errors import InvalidError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_signature_is_what_the_library_accepts_and_nothing_else_is() -> None:
    now = int(datetime.now(UTC).timestamp())
    body = '{"a":"ü"}'.encode()
    headers = {
        "webhook-id": "roost-x-1-2",
        "webhook-timestamp": str(now),
        "webhook-signature": signature(read_secrets(SECRET), "roost-x-1-2", now, body),
    }
    assert Webhook(SECRET).verify(body, headers) == {"a": "ü"}
    for changed in ({"webhook-id": "roost-x-1-3"}, {"webhook-timestamp": str(now - 1)}):
        with pytest.raises(Exception, match="signature"):
            Webhook(SECRET).verify(body, headers | changed)
    with pytest.raises(Exception, match="signature"):
        Webhook(SECRET).verify(body + b" ", headers)


def test_two_secrets_make_two_signatures_while_they_are_changed() -> None:
    other = "whsec_" + base64.b64encode(b"another key of ours").decode()
    now = int(datetime.now(UTC).timestamp())
    signed = signature(read_secrets(f"{SECRET} {other}"), "m", now, b"{}")
    for secret in (SECRET, other):
        Webhook(secret).verify(b"{}", {"webhook-id": "m", "webhook-timestamp": str(now), "webhook-signature": signed})


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", "no base64!"])
def test_what_is_no_secret_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(InvalidError) as caught:
        read_secrets(secret)
    assert "%%%" not in caught.value.message


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", 120.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:17:40 GMT", 60.0),
        ("999999999999", 86400.0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_a_day(header: str, expected: float | None) -> None:
    now = 1000.0 if "1970" in header else 1_700_000_000.0
    assert retry_after_s(header, now) == expected


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("ff02::1", False),
    ],
)
def test_only_addresses_of_the_public_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public
