"""One request to a webhook: signed, to an address that was checked, without redirects, within one deadline.

Owns the HTTP client. The host is resolved here and the connection made to the very address that was checked, so that a
name that changes its meaning meanwhile (DNS rebinding) leads nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2

from roost.core.config_sinks import Webhook
from roost.core.webhook_rules import is_public, retry_after_s, signature
from roost.hooks.webhook_queue import Message
from roost.hooks.worker import Worker
from roost.version import __version__

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would log every request

#: The answer's body says nothing that matters; up to this it is read, so that the connection can be used again.
_ANSWER_BYTES = 16384
#: And for this long.
_BODY_S = 1.0
#: How long an address that was found is used.
_ADDRESS_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. status: 0 without an answer. retry_after_s: what the server asked for."""

    status: int
    text: str
    retry_after_s: float | None = None

    @property
    def taken(self) -> bool:
        """Whether the receiver has the event."""
        return 200 <= self.status < 300


class Sender:
    """Makes the requests of one webhook. For one loop."""

    def __init__(self, options: Webhook, keys: Sequence[bytes], name: str) -> None:
        """`name` is part of every message id, so that those of two machines differ."""
        self._options = options
        self._keys = keys
        self._name = name
        self._url = httpx2.URL(options.url)
        self._client = httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=options.timeout_s)
        self._resolver = Worker("webhook resolver")
        self._addresses: list[str] = []
        self._found_at = -_ADDRESS_S

    async def send(self, message: Message) -> Answer:
        """Make one request; never raises but when cancelled."""
        try:
            async with asyncio.timeout(self._options.timeout_s):
                response = await self._post(message, await self._address())
            return await _read(response)
        except TimeoutError:
            answer = Answer(0, f"no answer within {self._options.timeout_s:g} s")
        except _ForbiddenError as error:
            answer = Answer(0, str(error))
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            answer = Answer(0, f"{type(error).__name__}: {error}")
        self._addresses = self._addresses[1:]  # the next try goes to another one
        return answer

    async def _address(self) -> str:
        if not self._addresses or time.monotonic() - self._found_at > _ADDRESS_S:
            host, port = self._url.host, self._url.port or (443 if self._url.scheme == "https" else 80)
            found = await self._resolver.run(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
            allowed = [one for one in addresses if self._options.allow_private or is_public(one)]
            if not allowed:
                raise _ForbiddenError(f"{host} is the private address {addresses[0]}; allow_private = true allows that")
            self._addresses, self._found_at = allowed, time.monotonic()
        return self._addresses[0]

    async def _post(self, message: Message, address: str) -> httpx2.Response:
        # A retry is a new attempt of the same message: its id stays, its timestamp does not. Source: Standard Webhooks.
        timestamp = int(time.time())
        message_id = f"roost-{self._name}-{message.event_id.replace('.', '-')}"
        headers = {
            "host": self._url.netloc.decode("ascii"),
            "content-type": message.kind,
            "user-agent": f"roost/{__version__}",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
        }
        if self._keys:
            headers["webhook-signature"] = signature(self._keys, message_id, timestamp, message.body)
        request = self._client.build_request(
            "POST",
            self._url.copy_with(host=address),
            headers=headers,
            content=message.body,
            extensions={"sni_hostname": self._url.host},
        )
        return await self._client.send(request, stream=True)

    async def close(self) -> None:
        """Let go of the connections."""
        self._resolver.stop()
        await self._client.aclose()


async def _read(response: httpx2.Response) -> Answer:
    """What the answer says; its status is the answer, whatever happens to the rest of it."""
    size = 0
    with contextlib.suppress(TimeoutError, httpx2.HTTPError, OSError):
        async with asyncio.timeout(_BODY_S):
            async for piece in response.aiter_raw():
                size += len(piece)
                if size > _ANSWER_BYTES:
                    break
    with contextlib.suppress(httpx2.HTTPError, OSError):
        await response.aclose()
    text = f"answered {response.status_code} {response.reason_phrase}".rstrip()
    if response.is_redirect:
        text += f", a redirect to {response.headers.get('location', 'nowhere')[:200]}, which is not followed"
    return Answer(response.status_code, text, retry_after_s(response.headers.get("retry-after", ""), time.time()))


class _ForbiddenError(Exception):
    """No address that may be connected to."""
