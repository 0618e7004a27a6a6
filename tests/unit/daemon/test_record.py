"""The blob that outlives the daemon."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roost.daemon.record import BLOB_MAX_BYTES, COMPRESS_BYTES, Launch, SessionRecord, TeeRecord, Ticket

PART = st.binary(max_size=50).map(lambda b: b.replace(b"\0", b"."))
KEY = st.binary(min_size=1, max_size=20).map(lambda b: b.replace(b"\0", b".").replace(b"=", b"_"))


@given(
    argv=st.lists(PART, min_size=1, max_size=5),
    cwd=PART,
    env=st.lists(st.tuples(KEY, PART), max_size=20),
    umask=st.none() | st.integers(0, 0o777),
    limits=st.lists(st.tuples(st.sampled_from(["nofile", "core"]), st.none() | st.integers(0, 1 << 40)), max_size=3),
)
def test_a_launch_comes_back_byte_for_byte(
    argv: list[bytes],
    cwd: bytes,
    env: list[tuple[bytes, bytes]],
    umask: int | None,
    limits: list[tuple[str, int | None]],
) -> None:
    launch = Launch(argv, cwd, env, umask, limits)
    assert Launch.unpack(launch.pack()) == launch


def record(**fields: object) -> SessionRecord:
    base: dict[str, object] = {"name": "n", "kind": "pty", "command": "c", "cwd": "/", "originator": "o", "argv": ["c"]}
    return SessionRecord(**{**base, **fields})  # type: ignore[arg-type]


def test_a_record_comes_back_with_its_tickets_tees_and_launch() -> None:
    launch = Launch([b"sh", b"a\nb\xff"], b"/x", [(b"A", b"1\n2")])
    one = record(
        launch=launch.pack(),
        labels={"k": "ü\ud800"},
        tickets=[Ticket("t", "view", "stdout", True, "me")],
        tees=[TeeRecord(1, "stdout", "/f")],
        terminate_at=1.5,
    )
    again = SessionRecord.decode(one.encode())
    assert again == one and Launch.unpack(again.launch) == launch


def test_a_long_environment_is_compressed_and_one_that_cannot_fit_is_left_out() -> None:
    alike = Launch([b"x"], b"/", [(b"K%d" % n, b"value" * 40) for n in range(500)])
    assert len(alike.env) * 200 > COMPRESS_BYTES and len(alike.pack()) < COMPRESS_BYTES
    import random

    noise = Launch([b"x"], b"/", [(b"K", random.Random(1).randbytes(200_000).replace(b"\0", b"."))])
    blob = record(launch=noise.pack()).encode()
    assert len(blob) <= BLOB_MAX_BYTES and SessionRecord.decode(blob).launch == b""


def test_fields_of_a_newer_daemon_are_ignored() -> None:
    assert SessionRecord.decode(record().encode().replace(b'{"name"', b'{"future":1,"name"')).name == "n"
