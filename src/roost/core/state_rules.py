"""The rules by which the screen of a known agent tells its state, and the file they are written in.

Owns the form of that file (all mistakes with file, line and key) and how a rule matches. Pure. The rules themselves are
in `states.toml`; a user's file is looked at first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from roost.core.patterns import Regex
from roost.core.toml_lines import KeyPath, line_of
from roost.core.toml_values import parse_toml, said
from roost.errors import InvalidError

#: What a rule may conclude. Silence, exits and prompts are known from elsewhere.
RULE_STATES = ("starting", "working", "blocked", "idle", "done")
DETAILS = ("", "approval", "question")
DEFAULT_LINES = 30
_MAX_LINES = 500
_RULE_KEYS = frozenset(("state", "detail", "lines", "any", "all", "none", "title", "confidence"))
_AGENT_KEYS = frozenset(("name", "commands", "rule"))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: it matches when one of `any`, every one of `all` and none of `none` is found in the last `lines` lines
    that are not empty, and `title` in the terminal's title. origin: `FILE:LINE`."""

    state: str
    detail: str
    origin: str
    lines: int = DEFAULT_LINES
    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    title: str = ""
    confidence: float = 0.7

    def matches(self, text: str, title: str) -> bool:
        """Whether a screen (its last lines) and its title look like that."""
        data = text.encode()
        if self.title and not _found(self.title, title.encode()):
            return False
        if any(_found(expression, data) for expression in self.none):
            return False
        if not all(_found(expression, data) for expression in self.all):
            return False
        return not self.any or any(_found(expression, data) for expression in self.any)


@dataclass(frozen=True, slots=True)
class Agent:
    """A program whose screen is known."""

    name: str
    commands: tuple[str, ...]
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules there are. problems: why a file, or a part of it, is not used."""

    agents: tuple[Agent, ...] = ()
    problems: tuple[str, ...] = field(default=())

    def agent_for(self, argv: Sequence[str], label: str = "") -> Agent | None:
        """The agent that a command line is: as its label says, else by the name of the program or of its script."""
        names = [label] if label else [_program(word) for word in argv[:2]]
        for name in names:
            for agent in self.agents:
                if name == agent.name or name in agent.commands:
                    return agent
        return None

    def over(self, other: RuleBook) -> RuleBook:
        """These rules before others: those of one agent come first for it."""
        merged = {agent.name: agent for agent in other.agents}
        for agent in self.agents:
            below = merged.get(agent.name, Agent(agent.name, ()))
            commands = dict.fromkeys((*agent.commands, *below.commands))
            merged[agent.name] = Agent(agent.name, tuple(commands), (*agent.rules, *below.rules))
        return RuleBook(tuple(merged.values()), (*self.problems, *other.problems))


def last_lines(text: str, count: int) -> str:
    """The last lines of a screen that are not empty, without blanks at their ends."""
    lines = [line.rstrip() for line in text.split("\n")]
    return "\n".join([line for line in lines if line][-count:])


def _program(word: str) -> str:
    return word.rpartition("/")[2].removeprefix("-").removesuffix(".js").removesuffix(".py")


def _found(expression: str, data: bytes) -> bool:
    return Regex(expression).find(data, 0) is not None


# --- the file ---------------------------------------------------------------------------------------------------------


def read_rules(text: str, file: str) -> RuleBook:
    """The rules of a file; what is wrong in it is told in `problems` and left out, the rest counts."""
    try:
        values, lines = parse_toml(text, file)
    except InvalidError as error:
        return RuleBook(problems=(error.message,))
    reader = _Reader(file, lines)
    agents = reader.agents(values)
    return RuleBook(tuple(agents), tuple(reader.problems))


class _Reader:
    def __init__(self, file: str, lines: Mapping[KeyPath, int]) -> None:
        self._file = file
        self._lines = dict(lines)
        self.problems: list[str] = []

    def _wrong(self, path: KeyPath, text: str) -> None:
        key = ".".join(str(part) for part in path if not isinstance(part, int))
        self.problems.append(f"{self._file}:{line_of(self._lines, path)}: {key}: {text}")

    def _known(self, table: Mapping[str, Any], known: frozenset[str], path: KeyPath) -> None:
        for key in table:
            if key not in known:
                self._wrong((*path, key), f"is not known here; known are {', '.join(sorted(known))}")

    def agents(self, values: Mapping[str, Any]) -> list[Agent]:
        self._known(values, frozenset(("agent",)), ())
        found = values.get("agent", [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self._wrong(("agent",), "must be tables, each written [[agent]]")
            return []
        return [agent for at, table in enumerate(found) if (agent := self._agent(table, ("agent", at))) is not None]

    def _agent(self, table: Mapping[str, Any], path: KeyPath) -> Agent | None:
        self._known(table, _AGENT_KEYS, path)
        name = table.get("name")
        if not isinstance(name, str) or not name:
            self._wrong((*path, "name"), "is needed, a string")
            return None
        commands = self._texts(table, "commands", path)
        rules = table.get("rule", [])
        if not isinstance(rules, list) or not all(isinstance(one, dict) for one in rules):
            self._wrong((*path, "rule"), "must be tables, each written [[agent.rule]]")
            rules = []
        read = [self._rule(one, (*path, "rule", at)) for at, one in enumerate(rules)]
        return Agent(name, commands or (name,), tuple(rule for rule in read if rule is not None))

    def _rule(self, table: Mapping[str, Any], path: KeyPath) -> Rule | None:
        before = len(self.problems)
        self._known(table, _RULE_KEYS, path)
        state = self._one_of(table, "state", RULE_STATES, path, "")
        detail = self._one_of(table, "detail", DETAILS, path, "")
        if not state and "state" not in table:
            self._wrong((*path, "state"), f"is needed, one of {', '.join(RULE_STATES)}")
        if detail and state != "blocked":
            self._wrong((*path, "detail"), "is for blocked only")
        lines = table.get("lines", DEFAULT_LINES)
        if type(lines) is not int or not 1 <= lines <= _MAX_LINES:
            self._wrong((*path, "lines"), f"must be a whole number from 1 to {_MAX_LINES}")
        confidence = table.get("confidence", 0.7)
        if type(confidence) not in (int, float) or not 0 < confidence <= 1:
            self._wrong((*path, "confidence"), "must be a number above 0, up to 1")
        parts = {key: self._expressions(table, key, path) for key in ("any", "all", "none")}
        title = self._title(table, path)
        if not (parts["any"] or parts["all"] or title):
            self._wrong(path, "has nothing to look for; give any, all or title")
        if len(self.problems) > before:
            return None
        origin = f"{self._file}:{line_of(self._lines, path)}"
        return Rule(state, detail, origin, lines, title=title, confidence=float(confidence), **parts)

    def _one_of(self, table: Mapping[str, Any], key: str, words: Sequence[str], path: KeyPath, default: str) -> str:
        value = table.get(key, default)
        if key in table and value not in words:
            self._wrong((*path, key), f"must be one of {', '.join(word for word in words if word)}")
            return ""
        return str(value)

    def _title(self, table: Mapping[str, Any], path: KeyPath) -> str:
        if "title" not in table:
            return ""
        found = self._expressions({"title": [table["title"]]}, "title", path)
        return found[0] if found else ""

    def _expressions(self, table: Mapping[str, Any], key: str, path: KeyPath) -> tuple[str, ...]:
        expressions = self._texts(table, key, path)
        for expression in expressions:
            try:
                Regex(expression)
            except InvalidError as error:
                self._wrong((*path, key), error.message)
        return expressions

    def _texts(self, table: Mapping[str, Any], key: str, path: KeyPath) -> tuple[str, ...]:
        value = table.get(key, [])
        if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
            return tuple(value)
        self._wrong((*path, key), f"must be a list of strings, not {said(value)}")
        return ()
