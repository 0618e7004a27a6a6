"""What a roost.toml may say, and that everything else is told with file, line and key."""

from __future__ import annotations

import pytest

from roost.core.roost_toml import choose, read_plan
from roost.core.service import Health
from roost.core.toml_lines import find_lines, line_of
from roost.errors import InvalidError

FULL = """
[[service]]
name = "web"           # with a comment
cmd = ["python3", "-m", "http.server"]
cwd = "site"
env = { PORT = "8080" }
restart = "on-failure"
max_restarts = 5
restart_delay = "250ms"
kill_timeout = 1.5
min_uptime = 10
log_size = "1M"
log_keep = 2
depends_on = [
  "cache",
  { service = "db", condition = "healthy" },
]

[[service]]
name = "db"
cmd = "exec sleep 600"

[service.health]
tcp = "127.0.0.1:5432"
interval = "1s"
timeout = 0.5
retries = 4
start_period = 2

[[service]]
name = "cache"
cmd = "true"
health.http = "http://localhost:8080/up?x=1"
"""


def test_every_key_reaches_the_plan() -> None:
    plan = {planned.name: planned for planned in read_plan(FULL, "roost.toml", "/srv")}
    assert list(plan) == ["cache", "db", "web"], "what is depended on comes first"
    web = plan["web"].definition
    assert (web.cmd, web.cwd, web.env) == (("python3", "-m", "http.server"), "/srv/site", {"PORT": "8080"})
    assert (web.restart, web.max_restarts, web.restart_delay_ms) == ("on-failure", 5, 250)
    assert (web.kill_timeout_ms, web.min_uptime_ms, web.log_bytes, web.log_keep) == (1500, 10_000, 1 << 20, 2)
    on = [(d.service, d.condition) for d in plan["web"].depends_on]
    assert on == [("cache", "started"), ("db", "healthy")]
    assert plan["db"].definition.cmd == ("/bin/sh", "-c", "exec sleep 600")
    assert plan["db"].definition.health == Health(
        tcp="127.0.0.1:5432", interval_s=1.0, timeout_s=0.5, retries=4, start_period_s=2.0
    )
    assert plan["cache"].definition.health == Health(http="http://localhost:8080/up?x=1")


def test_names_choose_with_what_they_depend_on() -> None:
    plan = read_plan(FULL, "roost.toml", "/srv")
    assert [p.name for p in choose(plan, ["db"])] == ["db"]
    assert [p.name for p in choose(plan, ["web"])] == ["cache", "db", "web"] == [p.name for p in choose(plan, [])]
    with pytest.raises(InvalidError, match="nobody"):
        choose(plan, ["nobody"])


BASE = '[[service]]\nname = "a"\ncmd = "true"\n'
HEALTH = "[service.health]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no [[service]]"),
        ("x = 1", "f.toml:1: x: unknown key; known are service"),
        ("[service]\nname = 1", "f.toml:1: service: must be tables"),
        ("[[service]]\nname = \n", "f.toml:2: no TOML"),
        ("[[service]]\ncmd = 'x'", "f.toml:1: service: the key 'name' is missing"),
        ("\n[[service]]\nname = 'x'", "f.toml:2: service: the key 'cmd' is missing"),
        ("[[service]]\nname = ''\ncmd = 'x'", "f.toml:1: service: a service needs a name"),
        ("[[service]]\nname = 'all'\ncmd = 'x'", "every service"),
        ("[[service]]\nname = 3\ncmd = 'x'", "f.toml:2: service.name: must be a string, not a number"),
        ("[[service]]\nname = 'a'\n\ncmd = ['x', 1]", "f.toml:4: service.cmd: must be a string or a list of strings"),
        ("[[service]]\nname = 'a'\ncmd = []", "f.toml:3: service.cmd"),
        (BASE + "comand = 3", "f.toml:4: service.comand: unknown key; known are name, cmd, cwd, env"),
        (BASE + "restart = 'allways'", "f.toml:4: service.restart: must be 'always', 'on-failure' or 'never'"),
        (BASE + "restart = true", "f.toml:4: service.restart"),
        (BASE + "max_restarts = -1", "f.toml:4: service.max_restarts: must be 0 or more"),
        (BASE + "max_restarts = 1.0", "f.toml:4: service.max_restarts: must be a whole number"),
        (BASE + "restart_delay = 'soon'", "f.toml:4: service.restart_delay: 'soon' is not a duration"),
        (BASE + "restart_delay = 0", "f.toml:4: service.restart_delay: must be 1ms or more"),
        (BASE + "kill_timeout = true", "f.toml:4: service.kill_timeout: must be seconds"),
        (BASE + "min_uptime = 1e300", "f.toml:4: service.min_uptime: must be from 0"),
        (BASE + "env = { A = 1 }", "f.toml:4: service.env: A must be a string, not a number: put it in quotes"),
        (BASE + "env = 1979-05-27", "f.toml:4: service.env: must be a table, not a date or time"),
        (BASE + "[service.env]\n'A=B' = 'x'", "A=B"),
        (BASE + "log_size = 'big'", "f.toml:4: service.log_size"),
        (BASE + "log_keep = 0", "f.toml:4: service.log_keep"),
        (BASE + HEALTH, "f.toml:4: service.health: a health check needs one of"),
        (BASE + HEALTH + "tcp = 'a:1'\nhttp = 'http://b'", "f.toml:4: service.health: a health check needs one of"),
        (BASE + HEALTH + "tcp = 'nowhere'", "service.health: 'nowhere' is no host:port"),
        (BASE + HEALTH + "http = 'https://b'", "is no http:// address"),
        (BASE + HEALTH + "tcp = 'a:1'\nintervall = 5", "f.toml:6: service.health.intervall: unknown key"),
        (BASE + HEALTH + "tcp = 'a:1'\ninterval = 0", "interval and timeout"),
        (BASE + HEALTH + "tcp = 'a:1'\nretries = 0", "f.toml:6: service.health.retries"),
        (BASE + "health = { tcp = 'a:1', x = 1 }", "f.toml:4: service.health.x: unknown key"),
        (BASE + "depends_on = 'b'", "f.toml:4: service.depends_on: must be a list"),
        (BASE + "depends_on = [1]", "f.toml:4: service.depends_on: must be names"),
        (BASE + "depends_on = ['b']", "f.toml:4: service.depends_on: there is no service 'b'"),
        (BASE + "depends_on = ['a']", "f.toml:4: service.depends_on: services depend on each other in a circle: a → a"),
        (BASE + "depends_on = [{ condition = 'started' }]", "the key 'service' is missing"),
        (
            BASE + "depends_on = [{ service = 'a', condition = 'up' }]",
            "service.depends_on.condition: must be 'started'",
        ),
        (BASE + "depends_on = [{ service = 'a', when = 'up' }]", "service.depends_on.when: unknown key"),
        (BASE + BASE, "f.toml:5: service.name: 'a' is defined in line 2 already"),
        (
            BASE + "[[service]]\nname = 'b'\ncmd = 'x'\ndepends_on = [{service = 'a', condition = 'healthy'}]",
            "f.toml:7: service.depends_on: 'a' has no health check",
        ),
        (
            BASE + "[[service]]\nname = 'b'\ncmd = 'x'\ndepends_on = [{service = 'a', condition = 'exited'}]",
            "f.toml:7: service.depends_on: 'a' is always restarted",
        ),
        (BASE + "depends_on = ['b']\n[[service]]\nname = 'b'\ncmd = 'x'\ndepends_on = ['a']", "circle: a → b → a"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, words: str) -> None:
    with pytest.raises(InvalidError) as caught:
        read_plan(text, "f.toml", "/")
    assert words in caught.value.message


def test_lines_are_found_behind_everything_that_spans_several() -> None:
    text = (
        'a = """\n[x]\ny = 1\n"""  # three lines\n'  # 1 to 4
        "b = [ # [\n  1, 2,\n  { c = '#' },\n]\n"  # 5 to 8
        "[t.\"q.r\"]\n'k' = '''\n]'''\n"  # 9 to 11
        '  [[s]]\n[s.u]\nv.w = 1\n[[s]]\nx = "\\"#"\n[[s.u]]\ny = 2'  # 12 to 18
    )
    lines = find_lines(text)
    assert lines[("a",)] == 1 and lines[("b",)] == 5
    assert lines[("t", "q.r")] == 9 and lines[("t", "q.r", "k")] == 10
    assert lines[("s", 0)] == 12 and lines[("s", 0, "u", "v", "w")] == 14
    assert lines[("s", 1)] == 15 and lines[("s", 1, "x")] == 16 and lines[("s", 1, "u", 0, "y")] == 18
    assert line_of(lines, ("s", 0, "u", "none", 3)) == 13 and line_of(lines, ("none",)) == 1
