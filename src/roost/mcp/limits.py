"""What a model is told at most: text with its middle left out, and how long a call may take. Pure."""

from __future__ import annotations

from typing import Any

#: Text of one answer.
TEXT_BYTES = 8192
#: A call that waits answers by then, and says where to go on: clients give up after a minute.
CALL_S = 50.0


def limited(text: str, limit_bytes: int = TEXT_BYTES) -> dict[str, Any]:
    """The text, or its head and tail, and how many bytes are missing between them."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit_bytes:
        return {"text": text, "omitted_bytes": 0}
    half = limit_bytes // 2
    omitted = len(data) - 2 * half
    head, tail = data[:half].decode("utf-8", "ignore"), data[-half:].decode("utf-8", "ignore")
    return {"text": f"{head}\n[... {omitted} bytes left out ...]\n{tail}", "omitted_bytes": omitted}


def capped(timeout_s: float) -> float:
    """How long a call waits."""
    return max(0.0, min(timeout_s, CALL_S))
