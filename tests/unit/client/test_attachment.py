"""The blocking attachment over a real socket to a fake daemon."""

from __future__ import annotations

import os
import select
import threading
import time

import pytest
from unit.client.fake_daemon import FakeDaemon, Peer

from roost.client import Attachment, Client
from roost.client.faults import WriteTimeoutError
from roost.client.session import Session
from roost.errors import AlreadyAttachedError, NoRunError, UnavailableError, WaitTimeoutError, WrongStateError
from roost.model import Detached, Exited, Gap, Output, Reconnected, SessionInfo, Stolen
from roost.wire import frames
from roost.wire.frames import ExitInfo

EXIT = frames.pty_exit(3, ExitInfo(3, None, "natural", 5.0), b"\x1b[?25h")


def output(offset: int, data: bytes) -> bytes:
    return frames.output_head(len(data), offset) + data


def attach(client: Client, **options: object) -> Attachment:
    session = Session(client, SessionInfo(id="s-1", name="sh", kind=str(options.pop("kind", "pty"))))
    return session.attach(**options)  # type: ignore[arg-type]


def test_attach_by_target_looks_the_session_up_first(daemon: FakeDaemon, client: Client) -> None:
    def lookup(peer: Peer) -> None:
        peer.reply(peer.request(), {"id": "s-9", "name": "cat", "kind": "pipe"})
        peer.until_closed()

    def stream(peer: Peer) -> None:
        asked = peer.attached()
        assert (asked.session_id, asked.stream) == ("s-9", 2)
        peer.send(frames.pipe_exit(0))

    daemon.play(lookup, stream)
    with client.attach("cat", stream="stderr") as attachment:
        assert attachment.kind == "pipe"
        assert list(attachment) == [Exited(0, None, "unknown", None)]
    client.close()


def test_output_until_exit(daemon: FakeDaemon, client: Client) -> None:
    def script(peer: Peer) -> None:
        asked = peer.attached(start=5, end=7)
        assert asked.roost.mode == "exclusive" and not asked.roost.lossless
        peer.send(output(5, b"ab") + frames.gap(7, 9) + output(9, b"c") + EXIT)

    daemon.play(script)
    with attach(client, restore="raw") as attachment:
        assert (attachment.start_offset, attachment.end_offset, attachment.restore) == (5, 7, b"\x1b[?2004h")
        assert list(attachment) == [Output(5, b"ab"), Gap(7, 9), Output(9, b"c"), Exited(3, None, "natural", 5.0)]
        assert attachment.recv() is None
        assert (attachment.offset, attachment.reset) == (10, b"\x1b[?25h")
        with pytest.raises(WrongStateError):
            attachment.write(b"late")


def test_a_refusal_is_raised(daemon: FakeDaemon, client: Client) -> None:
    daemon.play(lambda peer: peer.refuse(peer.request(), "already_attached", "ada has it", code=10))
    with pytest.raises(AlreadyAttachedError, match="ada has it"):
        attach(client)


def test_a_timed_receive_receives_and_loses_nothing(daemon: FakeDaemon, client: Client) -> None:
    go = threading.Event()
    frame = output(0, b"x" * 1000)

    def script(peer: Peer) -> None:
        peer.attached()
        peer.send(frame[:500])
        assert go.wait(5)
        peer.send(frame[500:])
        peer.until_closed()

    daemon.play(script)
    with attach(client) as attachment:
        for timeout_s in (0, 0.05, 0):
            with pytest.raises(WaitTimeoutError):
                attachment.recv(timeout_s)
        go.set()
        assert attachment.recv(5) == Output(0, b"x" * 1000)


def test_a_receive_without_waiting_takes_what_is_there(daemon: FakeDaemon, client: Client) -> None:
    sent = threading.Event()

    def script(peer: Peer) -> None:
        peer.attached()
        peer.send(output(0, b"a") + output(1, b"b"))
        sent.set()
        peer.until_closed()

    daemon.play(script)
    with attach(client) as attachment:
        assert sent.wait(5)
        assert attachment.recv(0) == Output(0, b"a")
        assert attachment.recv(0) == Output(1, b"b")


def test_it_comes_back_by_itself_without_gap_or_repeat(daemon: FakeDaemon, client: Client) -> None:
    def first(peer: Peer) -> None:
        peer.attached(token=b"first")
        peer.send(output(0, b"abc") + output(3, b"def")[:-2])

    def second(peer: Peer) -> None:
        asked = peer.attached(token=b"second")
        assert (asked.roost.from_offset, asked.roost.resume_token) == (3, b"first")
        peer.send(output(3, b"def"))

    def third(peer: Peer) -> None:
        assert peer.attached().roost.resume_token == b"second"
        peer.send(output(6, b"g") + EXIT)

    daemon.play(first, second, third)
    with attach(client) as attachment:
        assert [event for event in attachment if not isinstance(event, Reconnected)] == [
            Output(0, b"abc"),
            Output(3, b"def"),
            Output(6, b"g"),
            Exited(3, None, "natural", 5.0),
        ]
    assert daemon.connections == 3


def test_it_waits_for_a_daemon_that_is_away(daemon: FakeDaemon, client: Client) -> None:
    gone = threading.Event()

    def dying(peer: Peer) -> None:
        peer.attached()
        daemon.go_away()
        peer.close()
        gone.set()

    def living(peer: Peer) -> None:
        peer.attached()
        peer.send(output(0, b"back"))
        peer.until_closed()

    daemon.play(dying, living)
    with attach(client) as attachment:
        assert gone.wait(5)
        with pytest.raises(WaitTimeoutError):
            attachment.recv(0.05)
        assert not attachment.connected and attachment.fileno() == -1
        daemon.listen()
        assert attachment.recv(5) == Reconnected(0)
        assert attachment.recv(5) == Output(0, b"back")
        assert attachment.connected and attachment.fileno() >= 0


def test_input_that_may_not_have_arrived_is_counted(daemon: FakeDaemon, client: Client) -> None:
    def first(peer: Peer) -> None:
        peer.attached()
        assert peer.input_bytes(8) == b"12345678"
        peer.send(frames.input_offset(5))

    def second(peer: Peer) -> None:
        peer.attached()
        peer.until_closed()

    daemon.play(first, second)
    with attach(client) as attachment:
        attachment.write(b"12345678")
        assert attachment.recv(5) == Reconnected(3)


def test_input_written_during_an_outage_waits_and_is_sent(daemon: FakeDaemon, client: Client) -> None:
    gone = threading.Event()
    typed = []

    def dying(peer: Peer) -> None:
        peer.attached()
        daemon.go_away()
        peer.close()
        gone.set()

    def living(peer: Peer) -> None:
        peer.attached()
        typed.append(peer.input_bytes(9))
        peer.send(EXIT)

    daemon.play(dying, living)
    with attach(client) as attachment:
        assert gone.wait(5)
        with pytest.raises(WaitTimeoutError):
            attachment.recv(0.02)
        attachment.write(b"held back", timeout_s=1)
        assert attachment.input_bytes_unsent == 9
        with pytest.raises(WriteTimeoutError) as raised:
            attachment.write(bytes(70_000), timeout_s=0.02)
        assert raised.value.written == 65536 - 9
        daemon.listen()
        assert attachment.recv(5) == Reconnected(0)
        assert attachment.recv(5) == Exited(3, None, "natural", 5.0)
    assert typed == [b"held back"]


def test_a_session_that_is_gone_after_the_outage_is_an_error(daemon: FakeDaemon, client: Client) -> None:
    daemon.play(
        lambda peer: peer.attached() and None,
        lambda peer: peer.refuse(peer.request(), "not_found", "no session s-1", code=4),
    )
    with attach(client) as attachment:
        with pytest.raises(NoRunError, match="s-1"):
            attachment.recv(5)
        with pytest.raises(NoRunError):
            attachment.recv(5)


def test_a_daemon_that_is_not_ready_is_asked_again(daemon: FakeDaemon, client: Client) -> None:
    daemon.play(
        lambda peer: peer.attached() and None,
        lambda peer: peer.refuse(peer.request(), "unavailable", "starting", code=6),
        lambda peer: peer.attached() and peer.send(EXIT),
    )
    with attach(client) as attachment:
        assert attachment.recv(5) == Reconnected(0)
        assert isinstance(attachment.recv(5), Exited)


def test_without_reconnect_the_loss_is_an_error(daemon: FakeDaemon, client: Client) -> None:
    def script(peer: Peer) -> None:
        peer.attached()
        peer.send(output(0, b"a"))

    daemon.play(script)
    with attach(client, reconnect=False) as attachment:
        assert attachment.recv(5) == Output(0, b"a")
        with pytest.raises(UnavailableError):
            attachment.recv(5)


@pytest.mark.parametrize(
    ("frame", "event"),
    [(frames.pty_stolen("ada"), Stolen("ada")), (frames.pty_error("detached"), Detached("detached"))],
)
def test_the_last_event_is_the_last(daemon: FakeDaemon, client: Client, frame: bytes, event: object) -> None:
    def script(peer: Peer) -> None:
        peer.attached()
        peer.send(output(0, b"a") + frame)

    daemon.play(script)
    with attach(client) as attachment:
        assert list(attachment) == [Output(0, b"a"), event]
    assert daemon.connections == 1


def test_the_last_frame_is_read_though_the_daemon_takes_nothing_more(daemon: FakeDaemon, client: Client) -> None:
    done = threading.Event()

    def script(peer: Peer) -> None:
        peer.attached()
        peer.send(output(0, b"a") + EXIT)
        peer.close()
        done.set()

    daemon.play(script)
    with attach(client) as attachment:
        assert done.wait(5)
        with pytest.raises(WrongStateError):
            attachment.write(b"into the void", timeout_s=5)
        assert list(attachment) == [Output(0, b"a"), Exited(3, None, "natural", 5.0)]


def test_detach_ends_with_detached(daemon: FakeDaemon, client: Client) -> None:
    def script(peer: Peer) -> None:
        peer.attached()
        assert peer.input().kind == "detach"
        peer.send(output(0, b"under way") + frames.pty_error("detached", reset=b"R"))

    daemon.play(script)
    with attach(client) as attachment:
        attachment.detach()
        assert list(attachment) == [Output(0, b"under way"), Detached("detached")]
        assert attachment.reset == b"R"


def test_close_says_goodbye(daemon: FakeDaemon, client: Client) -> None:
    left = threading.Event()

    def script(peer: Peer) -> None:
        peer.attached()
        assert peer.until_closed() == frames.encode_detach()
        left.set()

    daemon.play(script)
    attachment = attach(client)
    attachment.close()
    attachment.close()
    assert left.wait(5)
    with pytest.raises(WrongStateError):
        attachment.recv(0)


def test_control_frames_go_out_in_order(daemon: FakeDaemon, client: Client) -> None:
    seen = []

    def script(peer: Peer) -> None:
        peer.attached()
        seen.extend((frame.kind, frame.data, frame.rows) for frame in (peer.input() for _ in range(4)))
        peer.send(EXIT)

    daemon.play(script)
    with attach(client) as attachment:
        attachment.write(b"a")
        attachment.resize(40, 120)
        attachment.interrupt()
        attachment.write(b"b")
        assert isinstance(attachment.recv(5), Exited)
    assert seen == [("input", b"a", 0), ("resize", b"", 40), ("interrupt", b"", 0), ("input", b"b", 0)]


def test_a_large_paste_into_a_program_that_echoes_cannot_block(daemon: FakeDaemon, client: Client) -> None:
    data = os.urandom(10 << 20)

    def echo(peer: Peer) -> None:
        """Like a lossless session: reads no input while its output is not taken."""
        peer.attached()
        offset = 0
        while offset < len(data):
            piece = peer.input().data
            assert len(piece) <= 65536
            peer.send(output(offset, piece))
            offset += len(piece)
            peer.acknowledge(offset)
        peer.send(EXIT)

    daemon.play(echo)
    with attach(client, lossless=True) as attachment:
        attachment.write(data, timeout_s=30)
        received = b"".join(event.data for event in attachment if isinstance(event, Output))
    assert received == data


def test_a_session_that_does_not_read_times_the_write_out(daemon: FakeDaemon, client: Client) -> None:
    go = threading.Event()
    total = 4 << 20
    taken = []

    def script(peer: Peer) -> None:
        peer.attached()
        assert go.wait(10)
        taken.append(peer.input_bytes(total))
        peer.send(EXIT)

    daemon.play(script)
    data = os.urandom(total)
    with attach(client) as attachment:
        started = time.monotonic()
        with pytest.raises(WriteTimeoutError) as raised:
            attachment.write(data, timeout_s=0.1)
        assert time.monotonic() - started < 2
        assert 0 < raised.value.written < total
        go.set()
        attachment.write(data[raised.value.written :], timeout_s=10)
        assert isinstance(attachment.recv(5), Exited)
    assert taken == [data]


def test_readiness_can_be_polled_for(daemon: FakeDaemon, client: Client) -> None:
    go = threading.Event()

    def script(peer: Peer) -> None:
        peer.attached()
        assert go.wait(5)
        peer.send(output(0, b"a"))
        peer.until_closed()

    daemon.play(script)
    with attach(client) as attachment:
        with pytest.raises(WaitTimeoutError):
            attachment.recv(0)
        assert not attachment.wants_write
        go.set()
        assert select.select([attachment], [], [], 5)[0]
        assert attachment.recv(0) == Output(0, b"a")
