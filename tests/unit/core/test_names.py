"""Session ids and names."""

from __future__ import annotations

import pytest

from roost.core.names import (
    MAX_NAME_LENGTH,
    Numbers,
    check_name,
    free_name,
    is_session_id,
    name_for_command,
    session_id,
)
from roost.errors import InvalidError


def test_an_id_has_its_shape_and_depends_on_the_randomness() -> None:
    first, second = session_id(bytes(7)), session_id(bytes([0, 0, 0, 0, 0, 0, 1]))
    assert is_session_id(first)
    assert is_session_id(second)
    assert first != second


def test_an_id_is_never_all_digits() -> None:
    ones = int("".join(f"{27:05b}" for _ in range(10)), 2)  # 27 is the digit 3
    assert session_id(ones.to_bytes(7, "big")) == "s-a" + "3" * 9


def test_too_little_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="7 random bytes"):
        session_id(b"abc")


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("bash", "bash"),
        ("/usr/bin/python3.11", "python3.11"),
        ("-bash", "bash"),
        ("./run me.sh", "run-me.sh"),
        (b"/opt/\xff\xfeprog", "prog"),
        ("/bin/", "bin"),
        ("", "session"),
        ("12345", "session-12345"),
        ("s-abcdefghij", "session-s-abcdefghij"),
        ("größe", "größe"),
    ],
)
def test_a_name_is_made_from_the_program_and_is_allowed(program: str | bytes, name: str) -> None:
    assert name_for_command(program, ()) == name
    assert check_name(name) == name


def test_names_are_numbered_when_taken() -> None:
    assert name_for_command("bash", {"bash"}) == "bash-2"
    assert name_for_command("bash", {"bash", "bash-2", "bash-4"}) == "bash-3"
    assert free_name("x" * 64, {"x" * 64}) == "x" * 56 + "-2"


def test_a_long_program_leaves_room_for_a_number() -> None:
    name = name_for_command("p" * 300, ())
    assert len(free_name(name, {name})) <= MAX_NAME_LENGTH


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("a b", "blank"),
        ("a/b", "slash"),
        ("a\x1b", "control"),
        ("a\n", "control"),
        ("x" * 65, "65 characters"),
        ("123", "process id"),
        ("s-abcdefghij", "session id"),
        ("http://x", "address"),
        ("-v", "option"),
    ],
)
def test_names_that_could_not_be_targets_are_refused(name: str, why: str) -> None:
    with pytest.raises(InvalidError, match=why):
        check_name(name)


@pytest.mark.parametrize("name", ["build", "b2", "x" * 64, "a.b_c-d", "überbau", "s-short"])
def test_other_names_are_allowed(name: str) -> None:
    assert check_name(name) == name


def test_the_least_free_number_is_found_again_after_names_were_given_up() -> None:
    numbers, taken = Numbers(), {"bash"}
    for wanted in ("bash-2", "bash-3", "bash-4"):
        assert free_name("bash", taken, numbers) == wanted
        taken.add(wanted)
    taken.discard("bash-3")
    numbers.given_up("bash-3")
    assert free_name("bash", taken, numbers) == "bash-3"
    taken.add("bash-3")
    assert free_name("bash", taken, numbers) == "bash-5"


def test_a_number_that_was_looked_up_is_not_looked_at_again() -> None:
    class Taken(set[str]):
        looks = 0

        def __contains__(self, name: object) -> bool:
            self.looks += 1
            return super().__contains__(name)

    numbers, taken = Numbers(), Taken({"bash"})
    for _ in range(200):
        taken.add(free_name("bash", taken, numbers))
    assert taken.looks == 400
