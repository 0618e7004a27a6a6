"""Recordings through the whole of roost: what is in the file, who may read it, and daemons that are killed."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.instance import Instance, eventually

from roost.core.cast import Cast, CastEvent, read_cast
from roost.errors import InvalidError
from roost.model import RecordingInfo


def cast_of(path: Path) -> Cast:
    return read_cast(path.read_bytes().splitlines(keepends=True))


def events(path: Path, *codes: str) -> list[CastEvent]:
    return [event for event in cast_of(path).events if event.code in codes]


def text(path: Path) -> str:
    return "".join(event.data for event in events(path, "o"))


def state(shared: Instance, target: str) -> str:
    (recording,) = shared.json("record", "list", target)
    return str(recording["state"])


def test_a_session_is_recorded_from_its_first_byte_to_its_exit(shared: Instance, tmp_path: Path) -> None:
    cast = tmp_path / "a.cast"
    command = "stty -echo; echo one; read x; printf 'h\\303\\251\\n'; read x; exit 7"
    shared.roost("run", "-d", "-n", "rec", "--record", str(cast), "--record-input", "--", "sh", "-c", command)
    eventually(lambda: text(cast) == "one\r\n")
    assert os.stat(cast).st_mode & 0o777 == 0o600
    with shared.client() as client:
        client.resize("rec", 30, 100)
        client.send("rec", "typed\r")
        eventually(lambda: text(cast) == "one\r\nhé\r\n")
        client.send("rec", "\r")
    eventually(lambda: state(shared, "rec") == "closed")
    assert cast_of(cast).header.rows == 24
    assert [(e.code, e.data) for e in events(cast, "r", "x")] == [("r", "100x30"), ("x", "7")]
    # The terminal did not show what was typed: it is taken for a password.
    assert [e.data for e in events(cast, "i")] == ["[redacted]\r"] * 2


def test_input_is_recorded_key_by_key_when_the_terminal_shows_it(shared: Instance, tmp_path: Path) -> None:
    cast = tmp_path / "a.cast"
    with shared.client() as client:
        record = {"path": str(cast), "input": True}
        session = client.spawn(["cat"], options={"record": record})
        session.send("ab")
        session.send("c\r")
        eventually(lambda: text(cast).endswith("abc\r\n"))
        assert [e.data for e in events(cast, "i")] == ["ab", "c\r"]
        session.terminate()
        eventually(lambda: client.recordings(session.id)[0].state == "closed")
        assert [e.data for e in events(cast, "x")] == ["143"]


def test_rules_hide_what_is_written_in_pieces_and_what_is_typed(shared: Instance, tmp_path: Path) -> None:
    cast = tmp_path / "a.cast"
    with shared.client() as client:
        record = {"path": str(cast), "input": True, "redact": ["tok_[a-z]+"], "redact_common": True}
        session = client.spawn(["sh", "-c", "cat; echo KEY=AKIAABCDEFGHIJKLMNOP"], options={"record": record})
        for piece in ("a to", "k_s", "ecret b"):
            before = session.info().end_offset
            session.send(piece)
            eventually(lambda: session.info().end_offset > before)  # noqa: B023
        assert "secret" not in cast.read_text() and "tok" not in text(cast)
        session.send("\r\x04")
        eventually(lambda: client.recordings(session.id)[0].state == "closed")
    assert text(cast) == "a [redacted] b\r\na [redacted] b\r\nKEY=[redacted]\r\n"
    assert "secret" not in cast.read_text() and "AKIA" not in cast.read_text()
    assert events(cast, "i")[0].data == "a [redacted] b\r"


def test_a_file_that_exists_is_appended_to_only_if_that_was_asked_for(shared: Instance, tmp_path: Path) -> None:
    cast = tmp_path / "a.cast"
    with shared.client() as client:
        first = client.spawn(["echo", "one"], options={"record": {"path": str(cast)}})
        eventually(lambda: client.recordings(first.id)[0].state == "closed")
        before = cast.read_bytes()
        count = len(client.list())
        with pytest.raises(InvalidError, match="exists already"):
            client.spawn(["echo", "two"], options={"record": {"path": str(cast)}})
        assert len(client.list()) == count and cast.read_bytes() == before, "nothing was started or written"
        with cast.open("ab") as file:
            file.write(b'[0.1, "o", "torn')
        second = client.spawn(["echo", "two"], options={"record": {"path": str(cast), "append": True}})
        eventually(lambda: client.recordings(second.id)[0].state == "closed")
        assert text(cast) == "one\r\ntwo\r\n"
        again = second.restart()
        eventually(lambda: client.recordings(again.id)[0].state == "closed")
        assert text(cast) == "one\r\ntwo\r\ntwo\r\n", "a restarted session goes on in its file"
        (tmp_path / "no.cast").write_text("hello\n")
        with pytest.raises(InvalidError, match="no asciicast"):
            client.spawn(["true"], options={"record": {"path": str(tmp_path / "no.cast"), "append": True}})


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"path": "relative.cast"}, "absolute"),
        ({"path": "/tmp/x", "redact": ["("]}, "regular expression"),
        ({"path": "/tmp/x", "events": ["weather"]}, "category"),
        ({"path": "/tmp/x", "colour": 1}, "colour"),
        ({"path": "/no/such/dir/x.cast"}, "No such file"),
        ({"path": "/tmp/x.cast", "stream": "stderr"}, "stderr"),
    ],
)
def test_a_recording_that_cannot_be_is_refused_before_anything_starts(
    shared: Instance, record: dict[str, object], words: str
) -> None:
    with shared.client() as client:
        before = len(client.list())
        with pytest.raises(InvalidError, match=words):
            client.spawn(["true"], options={"record": record})
        assert len(client.list()) == before


def test_a_running_session_is_recorded_from_now_on_and_until_stopped(shared: Instance, tmp_path: Path) -> None:
    with shared.client() as client:
        session = client.spawn(["sh", "-c", r"stty -echo; printf '\033[?2004hbefore\n'; cat"])
        eventually(lambda: session.info().end_offset >= 16)
        assert shared.roost("record", "start", session.id, str(tmp_path / "now.cast")).stdout == b"1\n"
        shared.roost("record", "start", session.id, str(tmp_path / "all.cast"), "--retained")
        session.send("after\r")
        with pytest.raises(InvalidError, match="several"):
            client.stop_recording(session.id)
        assert client.stop_recording(session.id, 1).state == "closed"
        session.send("later\r")
        eventually(lambda: text(tmp_path / "all.cast").endswith("later\r\n"))
        begun, _, rest = text(tmp_path / "now.cast").partition("after\r\n")
        assert ("before" in begun, "\x1b[?2004h" in begun, rest) == (True, True, ""), "the screen, then what followed"
        assert text(tmp_path / "all.cast").startswith("\x1b[?2004hbefore")
        assert session.info().recording == "recording"
        session.terminate()
        eventually(lambda: session.info().recording is None)


def test_a_recording_of_a_screen_that_shows_a_secret_begins_without_it(shared: Instance, tmp_path: Path) -> None:
    """Also where the secret stands across two rows, which no rule about lines would see."""
    with shared.client() as client:
        script = r"stty -echo; printf '%075d' 0; printf 'tok_\033[1m%s%s\033[m\n' sec ret; cat"
        session = client.spawn(["sh", "-c", script], cols=80)
        session.wait_for("regex=secret")
        client.start_recording(session.id, str(tmp_path / "a.cast"), redact=["tok_[a-z]+"])
        client.start_recording(session.id, str(tmp_path / "b.cast"), redact=["other_[a-z]+"])
        session.send("after\r")
        for handle in (1, 2):
            eventually(lambda handle=handle: "after" in text(tmp_path / f"{'ab'[handle - 1]}.cast"))
            client.stop_recording(session.id, handle)
        assert "ecret" not in (tmp_path / "a.cast").read_text()
        assert "ecret" in text(tmp_path / "b.cast"), "nothing that is hidden is on the screen"
        session.terminate()


def test_marks_of_the_shell_and_chosen_events_become_markers_in_their_place(shared: Instance, tmp_path: Path) -> None:
    marked = r"\033]133;A\007p> \033]133;B\007\033]633;E;make tok_x\007\033]133;C\007out\n\033]133;D;2\007after\n"
    with shared.client() as client:
        record = {"path": str(tmp_path / "a.cast"), "redact": ["tok_[a-z]"], "events": ["shell", "lifecycle"]}
        session = client.spawn(["sh", "-c", f"read x; printf '{marked}'; read x"], options={"record": record})
        client.resize(session.id, 33, 99)
        session.send("\r")
        eventually(lambda: "after" in text(tmp_path / "a.cast"))
        session.terminate()
        eventually(lambda: client.recordings(session.id)[0].state == "closed")
    shown = [(e.code, e.data) for e in cast_of(tmp_path / "a.cast").events]
    assert ("m", "$ make [redacted]") in shown and ("r", "99x33") in shown
    finished = shown.index(("m", "exit 2"))
    assert "".join(data for code, data in shown[:finished] if code == "o").endswith("out\r\n")
    assert any(code == "m" and data.startswith("resized") for code, data in shown)


def test_a_pipe_session_is_recorded_for_a_terminal(shared: Instance, tmp_path: Path) -> None:
    with shared.client() as client:
        record = {"path": str(tmp_path / "err.cast"), "stream": "stderr"}
        session = client.spawn(["sh", "-c", "echo out; echo err >&2"], pipe=True, options={"record": record})
        eventually(lambda: client.recordings(session.id)[0].state == "closed")
        assert text(tmp_path / "err.cast") == "err\r\n"


def test_a_purge_lets_the_file_take_everything(shared: Instance, tmp_path: Path) -> None:
    with shared.client() as client:
        session = client.spawn(["seq", "20000"], options={"record": {"path": str(tmp_path / "a.cast"), "hold": True}})
        session.wait(timeout_s=20)
        session.purge()
        assert text(tmp_path / "a.cast").endswith("\r\n20000\r\n")
        assert [e.data for e in events(tmp_path / "a.cast", "x")] == ["0"]


def test_a_full_disk_is_counted_and_told_and_the_session_goes_on(shared: Instance, tmp_path: Path) -> None:
    """Nothing can be written beyond the limit of the file's size; once it is lifted, the recording goes on."""
    with shared.client() as client:
        session = client.spawn(
            ["sh", "-c", "stty -echo; while read x; do seq $x; done"],
            ring_bytes=1 << 16,
            options={"record": {"path": str(tmp_path / "a.cast"), "hold": True}},
        )
        pid = shared.status()["pid"]
        import resource

        found = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        size = (tmp_path / "a.cast").stat().st_size
        try:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 1000, found[1]))
            session.send("60000\r")
            eventually(lambda: session.info().recording == "failing")
            eventually(lambda: session.info().end_offset > 300_000)
            assert "recording failing" in shared.roost("ls").stdout.decode()
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, found)
        eventually(lambda: session.info().recording == "recording")
        eventually(lambda: text(tmp_path / "a.cast").endswith("60000\r\n"))
        (recording,) = client.recordings(session.id)
        assert recording.missed_bytes > 200_000
        marker = f"roost: {recording.missed_bytes} bytes are missing here"
        assert marker in [event.data for event in events(tmp_path / "a.cast", "m")]
        assert recording.recorded_bytes == len(text(tmp_path / "a.cast").encode())
        session.terminate()


def test_rules_of_the_configuration_are_in_every_recording(instance: Instance, tmp_path: Path) -> None:
    config = instance.root / "config/roost/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[record]\nredact = ["cfg_[a-z]+"]\n')
    instance.roost("daemon", "reload")
    with instance.client() as client:
        record = {"path": str(tmp_path / "a.cast"), "redact": ["own_[a-z]+"]}
        session = client.spawn(["echo", "cfg_abc own_abc"], options={"record": record})
        eventually(lambda: client.recordings(session.id)[0].state == "closed")
        assert text(tmp_path / "a.cast") == "[redacted] [redacted]\r\n"
        assert client.recordings(session.id)[0].rules == 2
    config.write_text('[record]\nredact = ["("]\n')
    assert b"no regular expression" in instance.roost("config", "check", check=False).stdout


# --- killed daemons ---------------------------------------------------------------------------------------------------

#: Writes numbered lines in bursts, a letter that is two bytes in each, until its stdin has something.
STREAM = """
import os, select, time, tty
tty.setraw(0)
n = 0
while not select.select([0], [], [], 0)[0]:
    block = "".join("%08dé tok_abc\\n" % i for i in range(n, n + 1600)).encode()
    n += 1600
    while block:
        block = block[os.write(1, block):]
    time.sleep(0.003)
"""


@pytest.fixture
def mortal() -> Iterator[Instance]:
    """A roost whose daemon is started by the test alone, at once: the keeper would wait longer from death to death."""
    one = Instance({"ROOST_NO_RESTART": "1"})
    try:
        one.start()
        yield one
    finally:
        one.end()


def record_through_kills(mortal: Instance, path: Path, **options: object) -> tuple[str, RecordingInfo]:
    """The text of a recording that goes on while one daemon after the other is killed."""
    chance = random.Random(repr(options))
    pause = threading.Event()
    with mortal.client() as client:
        session = client.spawn(
            ["python3", "-c", STREAM], ring_bytes=1 << 17, options={"record": {"path": str(path), **options}}
        )
        for _ in range(5):
            before = client.recordings(session.id)[0].offset
            eventually(lambda: client.recordings(session.id)[0].offset > before)  # noqa: B023
            pause.wait(chance.uniform(0, 0.1))
            os.kill(mortal.note_pids(), signal.SIGKILL)
            mortal.start()
        session.send("q")
        assert session.wait(timeout_s=30).code == 0
        eventually(lambda: client.recordings(session.id)[0].state == "closed")
        (recording,) = client.recordings(session.id)
    return text(path), recording


def lines_of(count: int, end: str) -> str:
    return "".join(f"{number:08d}é {end}\n" for number in range(count))


@pytest.mark.parametrize("rules", [[], ["tok_[a-z]+"]])
def test_a_recording_with_a_hold_has_every_byte_once_through_many_kills(
    mortal: Instance, tmp_path: Path, rules: list[str]
) -> None:
    recorded, recording = record_through_kills(mortal, tmp_path / "a.cast", hold=True, redact=rules)
    count = recorded.count("\n")
    assert recorded == lines_of(count, "[redacted]" if rules else "tok_abc")
    assert (recording.missed_bytes, recording.offset) == (0, len(lines_of(count, "tok_abc").encode()))
    assert len(events(tmp_path / "a.cast", "x")) == 1
    times = [event.at_us for event in cast_of(tmp_path / "a.cast").events]
    assert times == sorted(times) and times[-1] < 60_000_000


def test_a_recording_without_a_hold_says_exactly_what_is_missing_through_many_kills(
    mortal: Instance, tmp_path: Path
) -> None:
    recorded, recording = record_through_kills(mortal, tmp_path / "a.cast")
    whole = lines_of(recording.offset // 19 + 1, "tok_abc").encode()[: recording.offset]
    at, missing = 0, 0
    for event in events(tmp_path / "a.cast", "o", "m"):
        if event.code == "m":
            found = re.fullmatch(r"roost: (\d+) bytes are missing here", event.data)
            assert found is not None
            at += int(found[1])
            missing += int(found[1])
        else:
            data = event.data.replace("\ufffd", "").encode()
            where = whole.find(data, at, at + len(data) + 4)
            assert where >= 0, (at, event)
            at = where + len(data)
    assert missing == recording.missed_bytes > 0
    assert recorded and at == recording.offset


def test_an_orderly_stop_takes_nothing_with_it(mortal: Instance, tmp_path: Path) -> None:
    with mortal.client() as client:
        record = {"path": str(tmp_path / "a.cast"), "input": True}
        session = client.spawn(["cat"], options={"record": record})
        for number in range(3):
            session.send(f"{number}")
            client.stop()
            mortal.start()
        session.terminate()
        eventually(lambda: client.recordings(session.id)[0].state == "closed")
        assert not client.recordings(session.id)[0].uncertain
    assert "".join(e.data for e in events(tmp_path / "a.cast", "i")) == "012"
    assert text(tmp_path / "a.cast") == "012"


def test_a_recording_whose_file_was_changed_meanwhile_ends_and_says_so(mortal: Instance, tmp_path: Path) -> None:
    with mortal.client() as client:
        session = client.spawn(["cat"], options={"record": {"path": str(tmp_path / "a.cast")}})
        os.kill(mortal.note_pids(), signal.SIGKILL)
        (tmp_path / "a.cast").unlink()
        (tmp_path / "a.cast").write_text("mine\n")
        mortal.start()
        eventually(lambda: client.recordings(session.id)[0].state == "failed")
        assert "another file" in client.recordings(session.id)[0].error
        assert (tmp_path / "a.cast").read_text() == "mine\n"
