"""Which session a target means."""

from __future__ import annotations

import pytest

from roost.core.targets import Candidate, resolve, split_address
from roost.errors import AmbiguousTargetError, InvalidError, NoRunError, WrongStateError


def session(name: str, at: float, *, live: bool = True, pid: int = 0, id: str = "") -> Candidate:
    return Candidate(id=id or f"s-{name.replace('-', 'x'):z<10}", name=name, pid=pid, live=live, created_at=at)


BASH = session("bash", 1, pid=100)
BUILD = session("build", 2, pid=200, id="s-qrstuvwxyz")
OLD_BUILD = session("build", 0.5, live=False, pid=300, id="s-aaaaaaaaaa")
OLDER_BUILD = session("build", 0.1, live=False, pid=301, id="s-bbbbbbbbbb")
TESTS = session("tests", 3, live=False, pid=400)
ALL = [OLDER_BUILD, OLD_BUILD, BASH, BUILD, TESTS]


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("", BUILD),
        ("100", BASH),
        ("bash", BASH),
        ("build", BUILD),
        (OLD_BUILD.id, OLD_BUILD),
        ("bu", BUILD),
        ("uil", BUILD),
        ("tests", TESTS),
        ("est", TESTS),
        ("s-qrs", BUILD),
        ("vwx", BUILD),
        ("s-aaa", OLD_BUILD),
    ],
)
def test_a_target_means(target: str, found: Candidate) -> None:
    assert resolve(target, ALL) is found


def test_without_a_target_the_latest_live_one_is_meant_and_later_entries_win_ties() -> None:
    assert resolve("", [session("a", 1), session("b", 1)]).name == "b"
    with pytest.raises(NoRunError, match="roost run -- "):
        resolve("", [TESTS])


def test_the_newest_exited_one_of_a_name_is_meant() -> None:
    assert resolve("build", [OLD_BUILD, OLDER_BUILD]) is OLD_BUILD
    assert resolve("bui", [OLD_BUILD, OLDER_BUILD]) is OLD_BUILD


def test_an_exact_name_wins_over_longer_ones() -> None:
    assert resolve("bash", [BASH, session("bash-2", 9)]) is BASH
    assert resolve("bash-2", [BASH, session("bash-2", 9)]).name == "bash-2"


def test_a_live_part_wins_over_an_exited_beginning() -> None:
    live = session("rebuild", 5)
    assert resolve("bui", [OLD_BUILD, live]) is live


def test_several_are_listed() -> None:
    with pytest.raises(AmbiguousTargetError) as caught:
        resolve("b", ALL)
    assert "2 sessions" in caught.value.message
    assert f"{BASH.id} bash running" in caught.value.message
    assert BUILD.id in caught.value.message


def test_a_long_list_is_cut() -> None:
    with pytest.raises(AmbiguousTargetError, match="and 5 more"):
        resolve("job", [session(f"job-{number}", number) for number in range(15)])


def test_a_number_is_a_live_pid_and_nothing_else() -> None:
    for target in ("300", "10", "9" * 30):
        with pytest.raises(NoRunError, match="process id"):
            resolve(target, [*ALL, session("job-10", 9), session("x-300", 9)])


def test_one_letter_does_not_hit_a_random_id() -> None:
    with pytest.raises(NoRunError, match="roost ls --all"):
        resolve("z", [BUILD])


def test_an_exited_session_is_not_found_alive() -> None:
    with pytest.raises(WrongStateError, match=r"tests \(s-.*has exited.*roost restart tests"):
        resolve("tests", ALL, live_only=True)
    assert resolve("build", ALL, live_only=True) is BUILD


def test_a_miss_says_what_was_asked_and_what_to_do() -> None:
    with pytest.raises(NoRunError, match=r"'nothing'.*roost ls --all.*roost run"):
        resolve("nothing", ALL)


@pytest.mark.parametrize("target", ["", "4711", "nobody", "s-nothing"])
def test_every_miss_is_one_class_and_says_how_to_start_one(target: str) -> None:
    with pytest.raises(NoRunError, match="roost run -- "):
        resolve(target, [])


def test_where_all_have_ended_the_last_one_is_named() -> None:
    ended = [Candidate(f"s-{name}", name, number, live=False, created_at=number) for number, name in enumerate("abc")]
    with pytest.raises(NoRunError, match=r"no session is running, c was the last.*roost run -- "):
        resolve("", ended)


@pytest.mark.parametrize(
    ("target", "base", "there"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", ""),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080", ""),
        ("https://host/build", "https://host", "build"),
        ("http://[::1]:9/v1/sessions/a%2Fb", "http://[::1]:9", "a/b"),
        ("http://h:1/sessions/4711/", "http://h:1", "4711"),
    ],
)
def test_an_address_is_a_daemon_and_a_target_there(target: str, base: str, there: str) -> None:
    assert split_address(target) == (base, there)


@pytest.mark.parametrize(
    "target",
    ["http://", "http://two..dots/x", "http://h:99999/x", "http://u:p@h/x", "http://h/x?token=y", "http://h/a/b"],
)
def test_what_only_looks_like_an_address_is_refused(target: str) -> None:
    with pytest.raises(InvalidError):
        split_address(target)


def test_an_address_is_no_session_of_this_daemon() -> None:
    with pytest.raises(InvalidError, match="asked there"):
        resolve("http://127.0.0.1:1/bash", ALL)


def test_of_a_target_that_is_no_name_the_beginning_is_repeated() -> None:
    with pytest.raises(NoRunError) as refused:
        resolve("x" * 100_000, ALL)
    assert len(refused.value.message) < 400
