"""How trees are walked and drawn."""

from __future__ import annotations

from roost.daemon.process_tree import MAX_LINES, draw, roots, walk
from roost.platform.processes import Process


def table(*rows: tuple[int, int, str]) -> dict[int, Process]:
    return {pid: Process(pid, ppid, pid, 0, pid, "S", name) for pid, ppid, name in rows}


TABLE = table((1, 0, "init"), (2, 1, "sh"), (3, 2, "make"), (4, 3, "cc"), (5, 3, "ld"), (6, 2, "tail"))


def argv(pid: int) -> list[str]:
    return [f"arg{pid}", "-x"]


def test_a_tree_is_drawn_with_its_branches() -> None:
    assert draw(2, TABLE, argv).splitlines() == [
        "sh (pid=2) arg2 -x",
        "├── make (pid=3) arg3 -x",
        "│   ├── cc (pid=4) arg4 -x",
        "│   └── ld (pid=5) arg5 -x",
        "└── tail (pid=6) arg6 -x",
    ]


def test_an_unknown_pid_is_said_to_be_not_found() -> None:
    assert draw(99, TABLE, argv) == "Process 99 not found"


def test_a_name_cannot_move_the_cursor() -> None:
    drawn = draw(7, table((7, 1, "a\x1b[2J")), lambda _: ["x\ny"])
    assert drawn == "a?[2J (pid=7) x?y"


def test_a_deep_tree_needs_no_stack_and_a_big_one_is_cut() -> None:
    deep = table(*((pid, pid - 1, "p") for pid in range(1, 3000)))
    assert sum(1 for _ in walk(deep[1], deep)) == 2999
    wide = table((1, 0, "p"), *((pid, 1, "p") for pid in range(2, MAX_LINES + 100)))
    assert len(draw(1, wide, lambda _: []).splitlines()) == MAX_LINES + 1


def test_the_walk_does_not_enter_what_is_to_be_spared() -> None:
    assert [node.process.pid for node in walk(TABLE[2], TABLE, spare={3})] == [2, 6]


def test_a_process_that_is_its_own_parent_ends_the_walk() -> None:
    assert draw(1, table((1, 1, "init")), lambda _: []) == "init (pid=1)"


def test_roots_leave_out_what_is_below_another_root() -> None:
    assert roots([4, 6, 3, 99, 6], TABLE) == [6, 3]
