"""In what state a session is, from everything that tells something about it. Pure.

Owns the states, and whom is believed: the exit, then what an agent said of itself, then the shell's marks, then a rule
about the screen. `unknown` is never `idle`.

    starting → working ⇄ blocked (approval, question)      working → done (a turn is over) · idle (waits for input)
    any → exited                                           unknown: nobody told
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STATES = ("starting", "working", "blocked", "idle", "done", "exited", "unknown")


@dataclass(frozen=True, slots=True)
class Told:
    """What one source says. since: Unix seconds at which it began to be so. why: in words, for people.

    until: the end of the output that it was read from, once nobody looks any more; with more output it is out of date.
    """

    state: str
    source: str
    confidence: float
    since: float
    detail: str = ""
    why: str = ""
    until: int | None = None

    def out_of_date(self, output_end: int) -> bool:
        """Whether what it was read from has changed since, and nobody has looked."""
        return self.until is not None and self.until != output_end

    def describe(self, now: float) -> dict[str, Any]:
        """As it travels."""
        return {
            "state": self.state,
            "detail": self.detail or None,
            "source": self.source or None,
            "confidence": self.confidence,
            "since": self.since,
            "age_s": round(max(0.0, now - self.since), 3),
        }

    @property
    def shown(self) -> str:
        """State and detail in a word."""
        return f"{self.state}:{self.detail}" if self.detail else self.state

    def same_as(self, other: Told | None) -> bool:
        """Whether it says the same, whoever says it."""
        return other is not None and (self.state, self.detail) == (other.state, other.detail)


def nothing_told(since: float) -> Told:
    """Of a session of which nobody tells anything."""
    return Told("unknown", "", 0.0, since, "", "nothing tells what it does")


def told_by_agent(type: str, data: Mapping[str, Any]) -> tuple[str, str] | None:
    """State and detail that an agent's event stands for; None when it stands for none."""
    if type in ("response_start", "response_delta", "tool_lifecycle"):
        return "working", ""
    if type == "response_end":
        return "done", ""
    if type == "approval_lifecycle":
        phase = data.get("phase")
        return ("blocked", "approval") if phase in ("requested", "pending", "start") else ("working", "")
    if type == "generic" and data.get("state") in ("starting", "working", "blocked", "idle", "done"):
        detail = data.get("detail") if data["state"] == "blocked" else ""
        return data["state"], detail if detail in ("approval", "question") else ""
    return None


def choose(exited: Told | None, agent: Told | None, shell: Told | None, screen: Told | None, start: Told) -> Told:
    """Who is believed. An agent that said something before the shell came back to its prompt is gone by now."""
    if exited is not None:
        return exited
    if agent is not None and not (shell is not None and shell.state == "idle" and shell.since >= agent.since):
        return agent
    if screen is not None and (shell is None or shell.state == "working"):
        return screen  # of the program that the shell says is running
    return shell or screen or start
