"""What a service can be called and made of, and what its health checks mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.core.service import Definition, Health, Pulse, beat, host_and_port, http_place, next_check_s
from roost.errors import InvalidError

HEALTH = Health(command=("true",), retries=3, start_period_s=5.0, interval_s=2.0)


@given(names=st.sets(st.text(alphabet="aZ._-/ ü:1", min_size=1, max_size=4), min_size=2, max_size=6))
def test_log_files_of_different_services_differ_and_stay_in_their_directory(names: set[str]) -> None:
    stems = {Definition(name, ("x",)).file_stem for name in names}
    assert len(stems) == len(names)
    for stem in stems:
        assert "/" not in stem and not stem.startswith(".")


@pytest.mark.parametrize("name", ["", "all", "x" * 129, "a\nb", "\x1b[2J"])
def test_names_that_no_service_has(name: str) -> None:
    with pytest.raises(InvalidError):
        Definition(name, ("x",)).check()


@pytest.mark.parametrize(
    "fields",
    [
        {"cmd": ()},
        {"cmd": ("",)},
        {"cmd": ("a\0b",)},
        {"cwd": "\0"},
        {"env": {"A=B": "x"}},
        {"env": {"": "x"}},
        {"env": {"A": "\0"}},
        {"restart": "sometimes"},
        {"max_restarts": -1},
        {"kill_timeout_ms": 1 << 32},
        {"health": Health()},
        {"health": Health(command=("x",), tcp="a:1")},
        {"health": Health(tcp="a:0")},
        {"health": Health(command=("x",), retries=0)},
        {"health": Health(command=("x",), timeout_s=0.0)},
        {"health": Health(command=("x",), interval_s=float("nan"))},
    ],
)
def test_definitions_that_cannot_be(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidError):
        Definition(**{"name": "a", "cmd": ("x",), **fields}).check()  # type: ignore[arg-type]


def test_zeros_are_the_defaults_of_the_protocol() -> None:
    plain = Definition("a", ("x",))
    plain.check()
    assert (plain.policy.delay_ms, plain.policy.min_uptime_ms, plain.grace_s) == (500, 2000, 3.0)


def test_failures_count_after_the_start_period_and_one_success_heals() -> None:
    pulse = Pulse()
    for _ in range(10):
        pulse = beat(pulse, HEALTH, "down", since_start_s=4.9)
    assert (pulse.state, pulse.failures, pulse.detail) == ("starting", 0, "down")
    states = []
    for _ in range(4):
        pulse = beat(pulse, HEALTH, "down", since_start_s=5.0)
        states.append(pulse.state)
    assert states == ["starting", "starting", "unhealthy", "unhealthy"]
    pulse = beat(pulse, HEALTH, None, since_start_s=9.0)
    assert pulse == Pulse("healthy")
    assert beat(pulse, HEALTH, "down", since_start_s=1.0).state == "healthy", "one failure is none"
    assert beat(pulse, HEALTH, "down", since_start_s=1.0).failures == 1


def test_one_that_starts_is_looked_at_more_often() -> None:
    assert next_check_s(Pulse(), HEALTH, since_start_s=1.0) == 0.5
    assert next_check_s(Pulse(), HEALTH, since_start_s=5.0) == 2.0
    assert next_check_s(Pulse("healthy"), HEALTH, since_start_s=1.0) == 2.0


def test_addresses() -> None:
    assert host_and_port("[::1]:80") == ("::1", 80) and host_and_port("db:5432") == ("db", 5432)
    assert http_place("http://a") == ("a", 80, "/", "a")
    assert http_place("http://a:8?x#f") == ("a", 8, "/?x", "a:8")
    assert http_place("http://[::1]/up") == ("::1", 80, "/up", "[::1]")
    for bad in ("http://", "http://a:x/", "http://u@a/", "http://a/b c", "http://a/\r\nX: y"):
        with pytest.raises(InvalidError):
            http_place(bad)
