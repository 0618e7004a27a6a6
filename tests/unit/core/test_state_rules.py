"""What screens of known agents are taken for, and what is told of a wrong file of rules."""

# ruff: noqa: RUF001, E501 (screens as they are)
from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from roost.core.state_rules import Agent, RuleBook, last_lines, read_rules

OWN = read_rules(files("roost.core").joinpath("states.toml").read_text("utf-8"), "states.toml")

RULE_LINE = "─" * 40
#: An agent, what its screen shows, its title, and what that is.
SCREENS = [
    (
        "claude",
        f"✻ Catapulting… (12m 33s · ↓ 2.1k tokens · esc to interrupt)\n\n{RULE_LINE}\n❯ \n{RULE_LINE}\n  ? for shortcuts",
        "",
        ("working", ""),
    ),
    (
        "claude",
        f"● Done.\n\n✻ Worked for 1m 52s\n\n{RULE_LINE}\n❯ \n{RULE_LINE}\n  ⏵⏵ accept edits on (shift+tab to cycle)",
        "",
        ("idle", ""),
    ),
    (
        "claude",
        " Bash command\n\n   rm -rf build\n\n Do you want to proceed?\n ❯ 1. Yes\n   2. Yes, and don't ask again\n   3. No",
        "",
        ("blocked", "approval"),
    ),
    (
        "claude",
        "Which approach?\n\n❯ 1. One\n  2. Two\n\nEnter to select · ↑/↓ to navigate · Esc to cancel",
        "",
        ("blocked", "question"),
    ),
    ("claude", "Welcome\n\nloading", "", None),
    (
        "claude",
        f"● The text 'esc to interrupt' tells that it works.\n\n{RULE_LINE}\n❯ \n{RULE_LINE}\n  ? for shortcuts",
        "",
        ("idle", ""),
    ),
    ("codex", "• Working (12s • esc to interrupt)\n\n› Write tests\n\n  gpt-5 · ~/proj", "proj", ("working", "")),
    ("codex", "• Ran the tests.\n\n› Write tests\n\n  gpt-5 · ~/proj", "proj", ("idle", "")),
    (
        "codex",
        "Would you like to run the following command?\n\n› 1. Yes, proceed (y)\n  2. No\n\nPress enter to confirm or esc to cancel",
        "",
        ("blocked", "approval"),
    ),
    ("codex", "anything", "[ ! ] Action Required | proj", ("blocked", "approval")),
    (
        "codex",
        "Question 1/2 (2 unanswered)\ntab to add notes | enter to submit answer | esc to interrupt",
        "",
        ("blocked", "question"),
    ),
    ("gemini", "⠏ Thinking hard (esc to cancel, 8s)\n\n > Type your message or @path", "", ("working", "")),
    ("gemini", "│ > Type your message or @path/to/file │", "", ("idle", "")),
    (
        "gemini",
        "Allow execution of: 'rm'?\n● 1. Yes, allow once\n  2. No\n⠏ Waiting for user confirmation...",
        "",
        ("blocked", "approval"),
    ),
    ("aider", "Run shell command? (Y)es/(N)o/(D)on't ask again [Yes]:", "", ("blocked", "approval")),
    ("aider", "Tokens: 13k sent\nsrc/a.py\n>", "", ("idle", "")),
    ("opencode", "△ Permission required\nAllow once", "", ("blocked", "approval")),
    ("opencode", "┃ text\n esc interrupt", "", ("working", "")),
]


def agent(name: str, book: RuleBook = OWN) -> Agent:
    found = book.agent_for([name])
    assert found is not None
    return found


#: Screens of agents as they were seen, by name: agent.state-detail.when
SEEN = sorted(path for path in (Path(__file__).parents[2] / "data" / "agents").iterdir())


@pytest.mark.parametrize("path", SEEN, ids=lambda path: path.name)
def test_real_screens_are_taken_for_what_they_are(path: Path) -> None:
    name, said, _ = path.name.split(".")
    state, _, detail = said.partition("-")
    text = path.read_text("utf-8")
    rule = next((r for r in agent(name).rules if r.matches(last_lines(text, r.lines), "")), None)
    assert rule is not None and (rule.state, rule.detail) == (state, detail)


def test_the_rules_that_come_with_roost_have_no_mistake() -> None:
    assert OWN.problems == ()
    assert {one.name for one in OWN.agents} >= {"claude", "codex", "gemini", "aider", "opencode"}


@pytest.mark.parametrize(("name", "screen", "title", "expected"), SCREENS)
def test_a_screen_is_taken_for_what_it_is(name: str, screen: str, title: str, expected: tuple[str, str] | None) -> None:
    rules = agent(name).rules
    hit = next((rule for rule in rules if rule.matches(last_lines(screen, rule.lines), title)), None)
    assert (None if hit is None else (hit.state, hit.detail)) == expected


def test_a_program_is_known_by_its_label_its_name_or_its_script() -> None:
    for argv, label in ((["/usr/bin/claude"], ""), (["node", "/x/codex.js"], ""), (["python", "run"], "aider")):
        assert OWN.agent_for(argv, label) is not None
    assert OWN.agent_for(["bash", "-l"]) is None
    assert OWN.agent_for([]) is None


def test_a_users_rules_come_first_and_add_agents() -> None:
    theirs = read_rules(
        """
[[agent]]
name = "claude"
[[agent.rule]]
state = "done"
any = ["custom"]
[[agent]]
name = "mine"
commands = ["my-agent"]
[[agent.rule]]
state = "idle"
title = "waiting"
""",
        "own.toml",
    )
    book = theirs.over(OWN)
    assert [rule.state for rule in agent("claude", book).rules][:2] == ["done", "blocked"]
    assert agent("my-agent", book).rules[0].matches("", "is waiting")
    assert agent("claude", book).rules[0].origin == "own.toml:4"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("agent = 3", "f:1: agent: must be tables"),
        ("[[agent]]\nname = ''", "f:2: agent.name: is needed, a string"),
        ("[[agent]]\nname='a'\ncolour='red'", "f:3: agent.colour: is not known here; known are commands, name, rule"),
        ("[[agent]]\nname='a'\n[[agent.rule]]\nany=['x']", "f:3: agent.rule.state: is needed, one of starting"),
        ("[[agent]]\nname='a'\n[[agent.rule]]\nstate='busy'\nany=['x']", "f:4: agent.rule.state: must be one of"),
        ("[[agent]]\nname='a'\n[[agent.rule]]\nstate='idle'", "f:3: agent.rule: has nothing to look for"),
        ("[[agent]]\nname='a'\n[[agent.rule]]\nstate='idle'\nany=['(']", "f:5: agent.rule.any: '(' is no expression"),
        (
            "[[agent]]\nname='a'\n[[agent.rule]]\nstate='idle'\nany='x'",
            "f:5: agent.rule.any: must be a list of strings",
        ),
        ("[[agent]]\nname='a'\n[[agent.rule]]\nstate='idle'\nany=['x']\nlines=0", "f:6: agent.rule.lines: must be"),
        ("[[agent]]\nname='a'\n[[agent.rule]]\nstate='idle'\ndetail='approval'\nany=['x']", "f:5: agent.rule.detail:"),
        ("[[agent]\n", "f:1: no TOML"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_key_and_costs_that_rule_only(text: str, problem: str) -> None:
    book = read_rules(text, "f")
    assert [one for one in book.problems if one.startswith(problem)], book.problems
    good = "[[agent]]\nname='good'\n[[agent.rule]]\nstate='idle'\nany=['x']\n"
    if "no TOML" not in problem and "must be tables" not in problem:
        assert agent("good", read_rules(text + "\n" + good, "f")).rules
