"""File events below a session's directory: every kind of change, what is ignored, what becomes of too many."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.sources import Observed, observed

from roost.daemon.sources import file_kind
from roost.daemon.sources.file_inotify import InotifyTree
from roost.platform.fanotify import Fanotify


def has_fanotify() -> bool:
    """Whether this kernel lets us use fanotify with names."""
    try:
        group = Fanotify()
        try:
            group.mark(os.fsencode(tempfile.gettempdir()))
        finally:
            group.close()
    except OSError:
        return False
    return True


needs_fanotify = pytest.mark.skipif(not has_fanotify(), reason="this kernel refuses fanotify: it needs CAP_SYS_ADMIN")


@pytest.fixture(params=["inotify", pytest.param("fanotify", marks=needs_fanotify)])
async def o(request: pytest.FixtureRequest) -> AsyncIterator[Observed]:
    """Sources without a session, with each mechanism."""
    async with observed("" if request.param == "fanotify" else "fanotify") as all_of_it:
        yield all_of_it


def shown(o: Observed, below: Path, *types: str) -> list[str]:
    """Events as short lines with paths relative to a directory, in order; gaps have none."""
    lines = []
    for event in o.of("file"):
        if "path" in event.data and (not types or event.type in types):
            line = f"{event.type} {os.path.relpath(event.data['path'], below)}"
            lines.append(line + (f" from {os.path.relpath(event.data['from'], below)}" if "from" in event.data else ""))
    return lines


async def test_each_kind_of_change_is_one_event_and_a_rename_is_one_too(o: Observed, tmp_path: Path) -> None:
    session = o.session(tmp_path)
    await o.want("file")
    await session.do("f = open('a', 'w'); f.write('x'); f.close()")
    await session.do("os.rename('a', 'b'); os.remove('b'); os.mkdir('d'); os.rmdir('d')")
    await o.settle(session)
    expected = ["created a", "modified a", "closed a", "renamed b from a", "deleted b", "created d", "deleted d"]
    assert shown(o, tmp_path) == expected
    assert [e.data["directory"] for e in o.of("file") if e.type != "gap"] == [False] * 5 + [True] * 2
    assert all(e.grade == "exact" and e.session_id == session.id for e in o.of("file"))


async def test_two_hundred_files_in_new_directories_are_all_seen(o: Observed, tmp_path: Path) -> None:
    session = o.session(tmp_path)
    await o.want("file")
    await session.do(
        "for i in range(200): os.makedirs(f'd{i % 20}/e{i % 7}/x', exist_ok=True); "
        "open(f'd{i % 20}/e{i % 7}/x/f{i}', 'w').close()"
    )
    await o.settle(session)
    wanted = {f"created d{i % 20}/e{i % 7}/x/f{i}" for i in range(200)}
    await o.until(lambda: wanted <= set(shown(o, tmp_path, "created")))
    made = shown(o, tmp_path, "created")
    assert len(made) == len(set(made)), "each is told once, whether it was found by its event or by a look"


async def test_a_renamed_directory_is_followed_under_its_new_name(o: Observed, tmp_path: Path) -> None:
    (tmp_path / "old/deep").mkdir(parents=True)
    session = o.session(tmp_path)
    await o.want("file")
    await session.do("os.rename('old', 'new'); open('new/deep/file', 'w').close()")
    await o.settle(session)
    assert shown(o, tmp_path, "renamed", "created", "deleted") == ["renamed new from old", "created new/deep/file"]


async def test_what_crosses_the_border_is_created_or_deleted(o: Observed, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "leaves/below").mkdir(parents=True)
    (outside / "comes").mkdir(parents=True)
    session = o.session(inside)
    await o.want("file")
    await session.do("os.rename('leaves', '../outside/left'); os.rename('../outside/comes', 'came')")
    await session.do("open('../outside/left/below/x', 'w').close(); open('came/y', 'w').close()")
    await o.settle(session)
    await o.until(lambda: "deleted leaves" in shown(o, inside))
    assert sorted(shown(o, inside, "created", "deleted")) == ["created came", "created came/y", "deleted leaves"]


async def test_ignored_files_and_the_insides_of_git_are_not_told(o: Observed, tmp_path: Path) -> None:
    (tmp_path / ".git/objects").mkdir(parents=True)
    (tmp_path / "sub").mkdir()
    (tmp_path / ".gitignore").write_text("*.log\nbuild/\n!keep.log\n")
    (tmp_path / "sub/.gitignore").write_text("*.tmp\n!special.log\n")
    session = o.session(tmp_path, ignore=["*.mine"])
    await o.want("file")
    await session.do("os.mkdir('build'); os.mkdir('sub/build')")
    names = [
        "x.log",
        "keep.log",
        "build/x",
        ".git/HEAD",
        ".git/objects/1",
        "sub/x.tmp",
        "sub/special.log",
        "sub/y.log",
        "z.mine",
        "z.tmp",
    ]
    await session.do(f"[open(name, 'w').close() for name in {names}]")
    await o.settle(session)
    assert shown(o, tmp_path, "created") == ["created keep.log", "created sub/special.log", "created z.tmp"]


async def test_rules_that_change_count_from_then_on(o: Observed, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("out/\n")
    (tmp_path / "out").mkdir()
    session = o.session(tmp_path)
    await o.want("file")
    await session.do("open('out/1', 'w').close(); open('.gitignore', 'w').close()")
    number = 2
    while not any(line.startswith("created out/") for line in shown(o, tmp_path)):  # read when they can be
        await session.do(f"open('out/{number}', 'w').close()")
        await o.settle(session)
        number += 1
    assert "created out/1" not in shown(o, tmp_path)


async def test_chosen_paths_count_too_a_single_file_and_one_that_does_not_exist_yet(
    o: Observed, tmp_path: Path
) -> None:
    cwd, other = tmp_path / "cwd", tmp_path / "other"
    cwd.mkdir()
    other.mkdir()
    (other / "one").write_text("")
    session = o.session(cwd, watch_paths=[other / "one", tmp_path / "later"])
    await o.want("file")
    await session.do("open('../other/one', 'a').close(); open('../other/two', 'w').close(); os.mkdir('../later')")
    await o.until(
        lambda: f"created {tmp_path / 'later'}" in [f"{e.type} {e.data['path']}" for e in o.of("file", "created")]
    )
    await session.do("open('../later/x', 'w').close()")
    await o.until(lambda: any(line.endswith("later/x") for line in shown(o, tmp_path, "created")))
    assert "closed other/one" in shown(o, tmp_path)
    assert not [line for line in shown(o, tmp_path) if "two" in line]


async def test_names_that_are_no_text_arrive_whole(o: Observed, tmp_path: Path) -> None:
    session = o.session(tmp_path)
    await o.want("file")
    await session.do(r"open(b'\xff\xfe', 'w').close(); open('grün', 'w').close()")
    await o.settle(session)
    first, second = o.of("file", "created")
    assert first.data["path"].endswith("\ufffd\ufffd")
    assert first.data["path_base64"]
    assert second.data["path"].endswith("/grün")
    assert "path_base64" not in second.data


async def test_a_limit_of_watches_is_a_gap_and_the_rest_is_observed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_kind, "InotifyTree", lambda *args: InotifyTree(*args, most_directories=5))
    for number in range(10):
        (tmp_path / f"d{number}").mkdir()
    async with observed("fanotify") as o:
        session = o.session(tmp_path)
        await o.want("file")
        await session.do("open('here', 'w').close()")
        await o.until(lambda: "created here" in shown_text(o))
        (gap,) = o.of("file", "gap")
        assert (gap.data["reason"], gap.data["watched"]) == ("watch_limit", 5)


def shown_text(o: Observed) -> list[str]:
    """Type and base name of every event that has a path."""
    return [f"{e.type} {os.path.basename(e.data['path'])}" for e in o.of("file") if "path" in e.data]


async def test_what_came_and_went_in_a_directory_before_it_was_watched_is_a_gap(tmp_path: Path) -> None:
    async with observed("fanotify") as o:
        session = o.session(tmp_path)
        await o.want("file")
        hold = threading.Event()
        o.files.workers()[-1].ask(hold.wait)  # type: ignore[arg-type]
        await session.do("os.mkdir('new'); open('new/x', 'w').close(); os.remove('new/x'); open('new/y', 'w').close()")
        await session.do("os.mkdir('gone'); open('gone/x', 'w').close(); os.remove('gone/x'); os.rmdir('gone')")
        hold.set()
        await o.settle(session)
        assert shown(o, tmp_path) == ["created new", "created new/y", "created gone", "deleted gone"]
        (gap,) = o.of("file", "gap")
        assert (gap.data["reason"], gap.data["missed"], gap.data["directories"]) == ("new_directories", None, 2)
        assert gap.data["first"].endswith("/new")
        await session.do("os.remove('new/y')")
        await o.settle(session)
        assert len(o.of("file", "gap")) == 1 and shown(o, tmp_path)[-1] == "deleted new/y"


async def test_a_full_kernel_queue_is_a_gap_and_new_directories_are_found_afterwards(tmp_path: Path) -> None:
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
        most = int(file.read())
    async with observed("fanotify") as o:
        session = o.session(tmp_path)
        await o.want("file")
        hold = threading.Event()
        o.files.workers()[-1].ask(hold.wait)  # type: ignore[arg-type]
        await session.do(f"[os.close(os.open(str(i % 2), os.O_CREAT | os.O_WRONLY)) for i in range({most})]")
        await session.do("os.mkdir('unseen')")
        hold.set()
        await o.until(lambda: o.of("file", "gap"))
        assert o.of("file", "gap")[0].data["reason"] == "kernel_queue_overflow"
        await o.until(lambda: o.files.describe(session.id)["directories"] == 2)
        await session.do("open('unseen/now', 'w').close()")
        await o.until(lambda: "created now" in shown_text(o))


async def test_two_sessions_in_one_directory_are_both_told(o: Observed, tmp_path: Path) -> None:
    first, second = o.session(tmp_path), o.session(tmp_path)
    await o.want("file")
    await first.do("open('x', 'w').close()")
    await asyncio.gather(o.settle(first), o.settle(second))
    assert {e.session_id for e in o.of("file", "created")} == {first.id, second.id}


@needs_fanotify
async def test_fanotify_says_who_did_it_and_whether_that_was_the_session(tmp_path: Path) -> None:
    async with observed() as o:
        session = o.session(tmp_path)
        await o.want("file")
        await session.do("[subprocess.run(['/bin/touch', f'mine{i}']) for i in range(20)]")
        (tmp_path / "other").write_text("")
        await o.settle(session)
        made = {os.path.basename(e.data["path"]): e.data for e in o.of("file", "created")}
        assert [made[f"mine{i}"]["attributed"] for i in range(20)] == [True] * 20
        assert (made["other"]["attributed"], made["other"]["pid"]) == (False, os.getpid())
        assert len({made[f"mine{i}"]["pid"] for i in range(20)}) == 20
        assert o.supervisor.status()[0]["source"] == "fanotify"
        assert not o.of("process"), "the processes are known for this, not told"


async def test_nothing_is_told_of_our_own_directories(o: Observed, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    session = o.session(tmp_path, own=[tmp_path / "state"])
    await o.want("file")
    await session.do("open('state/journal', 'w').close(); open('x', 'w').close()")
    await o.settle(session)
    assert shown(o, tmp_path, "created") == ["created x"]


async def test_what_is_made_and_removed_at_once_is_told_in_every_step(o: Observed, tmp_path: Path) -> None:
    session = o.session(tmp_path)
    await o.want("file")
    await session.do("[(os.mkdir(f'd{i}'), os.rmdir(f'd{i}')) for i in range(200)]")
    await o.settle(session)
    assert sorted(shown(o, tmp_path)) == sorted(f"{kind} d{i}" for i in range(200) for kind in ("created", "deleted"))
