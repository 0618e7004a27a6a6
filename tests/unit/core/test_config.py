"""What a config.toml may say; its mistakes are told at once, with file, line, key and what is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from roost.core.config import TABLES, Config, config_path, read_config
from roost.core.config_hooks import HooksConfig
from roost.core.config_reading import ConfigError, SinkForm, Surroundings
from roost.core.config_sinks import Command, Foreign, Jsonl, SinkConfig, Stdout, UnixListener, UnixSocket, Webhook
from roost.errors import InvalidError

AROUND = Surroundings("/run/roost", "/state", "/home/u")


def read(text: str, **around: Any) -> Config:
    fields = {"runtime_dir": "/run/roost", "state_dir": "/state", "home": "/home/u"} | around
    return read_config(text, "c.toml", Surroundings(**fields))


def sinks(text: str, **around: Any) -> list[SinkConfig]:
    return list(read(text, **around).of(HooksConfig).sinks)


def problems(text: str, **around: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text, **around)
    return [str(problem) for problem in caught.value.problems]


def test_nothing_is_configured_without_a_file() -> None:
    assert sinks("") == []
    assert {s.origin for s in read("").settings} == {"default"}


def test_the_short_form_takes_one_sink_or_a_list() -> None:
    (one,) = sinks('[hooks]\nsink = "unix-socket"\nsocket_path = "~/x.sock"')
    assert one.options == UnixSocket("/home/u/x.sock")
    made = sinks('[hooks]\nsink = ["stdout", "jsonl", "webhook", "unix-listener"]\nwebhook_url = "https://h/p"')
    assert [s.options for s in made] == [
        Stdout(),
        Jsonl("/state/events.jsonl"),
        Webhook("https://h/p"),
        UnixListener("/run/roost/monitor.sock"),
    ]


FULL = """
[[hooks.sinks]]
type = "webhook"
name = "ci"
url = "https://example.org/hook"
secret_env = "ROOST_WEBHOOK_SECRET"
events = ["exited", "approval_lifecycle", "category:network"]
sessions = { originator = "ci:*", name = ["build*", "test*"] }
format = "cloudevents"
queue = 5
timeout = "3s"
attempts = 4
retry_for = "1h"
stored_events = 7
allow_private = true

[[hooks.sinks]]
type = "jsonl"
path = "/var/log/roost.jsonl"
rotate_size = "1M"
rotate_age = "1d"
keep = 2
fsync = "always"

[[hooks.sinks]]
type = "unix-socket"
path = "/tmp/x"
timeout = 2

[[hooks.sinks]]
type = "unix-listener"
max_monitors = 3
monitor_buffer = "64K"

[[hooks.on_event]]
event = "exited"
command = "notify-send hello"
timeout = "10s"
max_concurrent = 2
sessions = { id = "s-*" }
"""


def test_every_key_reaches_its_sink() -> None:
    webhook, jsonl, client, listener, command = sinks(FULL)
    assert webhook == SinkConfig(
        "ci",
        "webhook",
        Webhook("https://example.org/hook", "ROOST_WEBHOOK_SECRET", 3.0, 4, 3600.0, 7, True),
        ("exited", "approval_lifecycle", "category:network"),
        {"name": ("build*", "test*"), "originator": ("ci:*",)},
        "cloudevents",
        5,
    )
    assert jsonl.options == Jsonl("/var/log/roost.jsonl", 1 << 20, 86400.0, 2, "always")
    assert (client.options, listener.options) == (
        UnixSocket("/tmp/x", 2.0),
        UnixListener("/run/roost/monitor.sock", 3, 64 << 10),
    )
    assert (command.options, command.events) == (Command("notify-send hello", 10.0, 2), ("exited",))
    assert command.sessions == {"id": ("s-*",)}


def test_every_setting_says_where_it_comes_from() -> None:
    config = read(
        '[hooks]\nsink = "jsonl"\n[[hooks.on_event]]\nevent = "*"\ncommand = "true"',
        environ={"ROOST_HOOKS_JSONL_PATH": "/e.jsonl"},
    )
    told = {s.key: (s.value, s.origin) for s in config.settings}
    assert told["hooks.sink"] == (("jsonl",), "line 2")
    assert told["hooks.jsonl_path"] == ("/e.jsonl", "env ROOST_HOOKS_JSONL_PATH")
    assert told["hooks.on_event[0].command"] == ("true", "line 5")
    assert told["hooks.on_event[0].timeout"] == (30.0, "default")
    assert config.of(HooksConfig).sinks[0].options == Jsonl("/e.jsonl")


def test_a_variable_alone_makes_a_sink() -> None:
    assert [s.type for s in sinks("", environ={"ROOST_HOOKS_SINK": "stdout, jsonl"})] == ["stdout", "jsonl"]
    (problem,) = problems("", environ={"ROOST_HOOKS_SINK": "nothing"})
    assert problem.startswith("$ROOST_HOOKS_SINK: hooks.sink: must be 'stdout'")


def test_names_are_unique_and_hide_what_may_be_secret() -> None:
    hook = '[[hooks.sinks]]\ntype = "webhook"\nurl = "https://h.org/secret"\n'
    assert [s.name for s in sinks(hook * 2)] == ["webhook:h.org", "webhook:h.org#2"]


BROKEN = """[hooks]
sink = "jsonl"
socket_path = "/x"
colour = 1

[[hooks.sinks]]
type = "webhook"
url = "ftp://x"
rotate_size = "1M"
events = ["exitd", "exited", "category:netwrk"]
sessions = { nam = "build*" }
format = "xml"

[[hooks.sinks]]
type = "kafka"

[[hooks.on_event]]
event = "category:netwrk"
timeout = true

[other]
"""


def test_all_mistakes_are_told_at_once_with_line_key_and_what_is_accepted() -> None:
    told = problems(BROKEN)
    expected = [
        ("c.toml:3: hooks.socket_path: ", "belongs to the sink 'unix-socket'"),
        ("c.toml:4: hooks.colour: ", "known are sink, jsonl_path"),
        ("c.toml:8: hooks.sinks[0].url: ", "http://"),
        ("c.toml:9: hooks.sinks[0].rotate_size: ", "belongs to the sink 'jsonl', this one is 'webhook'"),
        ("c.toml:10: hooks.sinks[0].events: ", "did you mean 'exited'?"),
        ("c.toml:10: hooks.sinks[0].events: ", "unknown category 'netwrk'"),
        ("c.toml:11: hooks.sinks[0].sessions.nam: ", "did you mean 'name'?"),
        ("c.toml:12: hooks.sinks[0].format: ", "'envelope' or 'cloudevents'"),
        ("c.toml:15: hooks.sinks[1].type: ", "'stdout', 'jsonl', 'webhook'"),
        ("c.toml:17: hooks.on_event[0]: ", "'command' is missing"),
        ("c.toml:18: hooks.on_event[0].event: ", "known are lifecycle, process"),
        ("c.toml:19: hooks.on_event[0].timeout: ", "a boolean"),
        ("c.toml:21: other: ", "known are hooks"),
    ]
    assert len(told) == len(expected)
    for problem, (start, part) in zip(told, expected, strict=True):
        assert problem.startswith(start), problem
        assert part in problem, problem


def test_a_mistake_brings_no_others_with_it() -> None:
    """What would be in force instead of a wrong value is nobody's wish, so it cannot collide with anything."""
    sink = '[[hooks.sinks]]\ntype = "jsonl"\npath = {}\n'
    assert len(problems('[hooks]\nsink = ["jsonl", "unix-listener"]\n' + sink.format('"relative"'))) == 1
    assert len(problems(sink.format(1) + sink.format(2))) == 2
    assert len(problems('[hooks]\nsink = ["jsonl", "kafka"]\n[[hooks.sinks]]\ntype = "jsonl"\n')) == 1


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (
            '[[hooks.sinks]]\ntype = "webhook"\nurl = "https://h/"\npath = "/x"',
            "belongs to the sink 'jsonl', 'unix-socket'",
        ),
        ('[[hooks.sinks]]\ntype = "webhook"\nurl = "https://h/"\nattempts = 1.5', "a whole number, not a fraction"),
        ("[hooks", "c.toml:1: no TOML"),
        ("hooks = 3", "c.toml:1: hooks: must be a table"),
        ("[hooks]\nsinks = 3", "two brackets"),
        ("[hooks]\nsink = 3", "a string or a list"),
        ('[hooks]\nsink = "webhook"', "'webhook_url' is missing"),
        ('[hooks]\nsink = "jsonl"\njsonl_path = "x/y"', "absolute path"),
        ('[hooks]\nsink = "unix-socket"\nsocket_path = "/' + "x" * 120 + '"', "107"),
        ('[[hooks.sinks]]\ntype = "webhook"\nurl = "https://u:p@h/"', "user or password"),
        ('[[hooks.sinks]]\nname = "x"', "'type' is missing; known types are stdout"),
        ('[[hooks.sinks]]\ntype = "jsonl"\nsessions = "x"', "must be a table"),
        ('[[hooks.sinks]]\ntype = "jsonl"\nkeep = 0', "from 1 to 1000"),
        ('[[hooks.sinks]]\ntype = "jsonl"\n' * 2, "is that of the sink in line 1 already"),
        ('[[hooks.sinks]]\ntype = "stdout"\nname = "x"\n' * 2, "name of another sink"),
        ('[[hooks.on_event]]\nevent = "*"\ncommand = " "', "must not be empty"),
    ],
)
def test_what_cannot_be_used_is_refused(text: str, part: str) -> None:
    assert any(part in problem for problem in problems(text)), problems(text)


def test_an_installed_sink_is_told_its_own_options_and_no_others() -> None:
    forms = {"kafka": lambda: SinkForm({"topic": str, "retries": int}, frozenset({"topic"}))}
    head = '[[hooks.sinks]]\ntype = "kafka"\n'
    (sink,) = sinks(head + 'topic = "t"', sinks=forms)
    assert sink.options == Foreign({"topic": "t"})
    told = problems(head + "retries = true\ntpic = 1", sinks=forms)
    assert ["'topic' is missing" in told[0], "a whole number" in told[1], "did you mean 'topic'?" in told[2]] == [
        True
    ] * 3


def test_an_installed_sink_that_cannot_be_loaded_is_a_mistake_in_the_file() -> None:
    def broken() -> SinkForm:
        raise InvalidError("no module named kafka")

    (problem,) = problems('[[hooks.sinks]]\ntype = "kafka"', sinks={"kafka": broken})
    assert problem == "c.toml:2: hooks.sinks[0].type: no module named kafka"


def test_every_table_of_the_registry_is_read_from_an_empty_file() -> None:
    assert set(read("").tables) == set(TABLES)


def test_the_file_is_looked_for_where_the_environment_says() -> None:
    assert config_path({}, "/home/u") == "/home/u/.config/roost/config.toml"
    assert config_path({"XDG_CONFIG_HOME": "/c"}, "/home/u") == "/c/roost/config.toml"
    assert config_path({"XDG_CONFIG_HOME": "relative"}, "/home/u") == "/home/u/.config/roost/config.toml"
    assert config_path({"ROOST_CONFIG": "/x.toml", "XDG_CONFIG_HOME": "/c"}, "/home/u") == "/x.toml"
