"""The list of sessions is put together from what was described before: it must say what each session says now."""

from __future__ import annotations

from typing import Any

from support.instance import Instance, eventually
from support.v1 import V1Client


def without_age(info: dict[str, Any]) -> dict[str, Any]:
    return {**info, "activity": {**info["activity"], "age_s": None}}


def test_the_list_says_of_a_session_what_the_session_says_after_every_change(shared: Instance) -> None:
    with shared.client() as client, V1Client(shared.socket) as v1:
        session = client.spawn(["sh", "-c", "while read x; do printf '\\033]2;%s\\007' $x; done"])

        def listed() -> dict[str, Any]:
            (info,) = [one for one in v1.call("sessions.list", all=True)["sessions"] if one["id"] == session.id]
            return dict(info)

        def agree() -> dict[str, Any]:
            """What both say, once nothing moves."""

            def same() -> dict[str, Any] | None:
                info = v1.call("sessions.get", target=session.id)
                return info if without_age(listed()) == without_age(info) else None

            found = eventually(same)
            assert without_age(listed()) == without_age(found)
            return found

        first = agree()
        assert (first["attached"], first["rows"]) == (False, 24)
        session.rename("renamed")
        assert agree()["name"] == "renamed"
        v1.call("sessions.resize", target=session.id, rows=30, cols=100)
        assert agree()["rows"] == 30
        session.send("title", enter=True)
        eventually(lambda: listed()["title"] == "title")
        assert agree()["end_offset"] > 0
        with session.attach(label="somebody", local=False) as attached:
            assert [one["label"] for one in agree()["clients"]] == ["somebody"]
            attached.resize(40, 90)
            eventually(lambda: listed()["clients"][0]["rows"] == 40)
            before = agree()["clients"][0]["offset"]
            attached.write(b"more\n")
            eventually(lambda: listed()["title"] == "more" and listed()["clients"][0]["offset"] > before)
            assert agree()["clients"][0]["lag"] == 0
            with session.attach(label="onlooker", mode="view", lossless=True):
                assert agree()["held_by"] == "onlooker"
            eventually(lambda: len(listed()["clients"]) == 1)
            assert agree()["held_by"] is None
        eventually(lambda: not listed()["clients"])
        agree()
        ages = [listed()["activity"]["age_s"], listed()["activity"]["age_s"]]
        assert ages == sorted(ages) and ages[0] >= 0
        session.terminate()
        assert agree()["state"] == "exited"


def test_the_table_says_by_which_signal_a_session_ended_and_else_its_code(shared: Instance) -> None:
    for name, script in (("killed", "kill -KILL $$"), ("failed", "exit 3")):
        shared.roost("run", "-d", "--name", name, "--", "sh", "-c", script)
        shared.roost("wait", name, check=False)
    for command in (("ls", "--all"), ("history",)):
        rows = {line.split()[1]: line for line in shared.roost(*command).stdout.decode().splitlines()}
        assert "SIGKILL" in rows["killed"], command
        assert " 3 " in rows["failed"], command
