"""The loop that reads a few descriptors out of turn: who is called when, and what goes wrong stays where it was."""

from __future__ import annotations

import asyncio
import contextvars
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from roost.daemon.prompt_loop import PromptLoop, out_of_turn
from roost.daemon.typists import Typists


@pytest.fixture
def loop() -> Iterator[PromptLoop]:
    made = PromptLoop()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


Pair = tuple[socket.socket, socket.socket]


def turns(loop: PromptLoop, count: int = 3) -> None:
    """Let the loop look at its descriptors so often."""

    async def look() -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    loop.run_until_complete(look())


def test_a_prompt_reader_is_called_before_whatever_else_the_same_look_finds(loop: PromptLoop, pair: Pair) -> None:
    ours, theirs = pair
    other, writer = socket.socketpair()
    seen: list[str] = []
    loop.add_reader(other, lambda: seen.append(f"in turn {other.recv(10)!r}"))
    loop.add_prompt_reader(ours.fileno(), lambda: seen.append(f"prompt {ours.recv(10)!r}"))
    writer.send(b"a")
    theirs.send(b"b")
    turns(loop)
    assert seen == ["prompt b'b'", "in turn b'a'"]
    loop.remove_reader(other)
    other.close()
    writer.close()


def test_a_prompt_reader_with_more_to_read_keeps_nobody_from_their_turn(loop: PromptLoop, pair: Pair) -> None:
    ours, theirs = pair
    seen: list[str] = []
    loop.add_prompt_reader(ours.fileno(), lambda: seen.append("prompt"))  # reads nothing: there is always more
    theirs.send(b"x")
    loop.call_soon(lambda: loop.call_soon(lambda: loop.call_soon(seen.append, "in turn")))
    turns(loop, 6)
    assert "in turn" in seen and seen.index("in turn") <= 4


def test_what_a_prompt_reader_raises_is_told_and_the_others_are_called(loop: PromptLoop, pair: Pair) -> None:
    ours, theirs = pair
    more, last = socket.socketpair()
    told: list[BaseException] = []
    seen: list[bytes] = []
    loop.set_exception_handler(lambda _loop, context: told.append(context["exception"]))

    def fail() -> None:
        ours.recv(10)
        raise ValueError("this one")

    loop.add_prompt_reader(ours.fileno(), fail)
    loop.add_prompt_reader(more.fileno(), lambda: seen.append(more.recv(10)))
    theirs.send(b"x")
    last.send(b"y")
    turns(loop)
    assert [str(error) for error in told] == ["this one"] and seen == [b"y"]
    more.close()
    last.close()


def test_what_ends_the_process_is_not_taken_for_a_fault(loop: PromptLoop, pair: Pair) -> None:
    ours, theirs = pair

    def leave() -> None:
        raise SystemExit(3)

    loop.add_prompt_reader(ours.fileno(), leave)
    theirs.send(b"x")
    with pytest.raises(SystemExit):
        loop.run_forever()


def test_a_reader_that_an_earlier_one_removed_is_not_called(loop: PromptLoop) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    called: list[int] = []

    def reader(number: int) -> Callable[[], None]:
        def read() -> None:
            called.append(number)
            for ours, _ in pairs:
                loop.remove_prompt_reader(ours.fileno())

        return read

    for number, (ours, theirs) in enumerate(pairs):
        loop.add_prompt_reader(ours.fileno(), reader(number))
        theirs.send(b"x")
    turns(loop)
    assert len(called) == 1
    for one in pairs:
        for end in one:
            end.close()


def test_an_event_of_a_closed_descriptor_is_not_given_to_who_has_its_number_now(loop: PromptLoop, pair: Pair) -> None:
    ours, theirs = pair
    old, peer = socket.socketpair()
    number = old.fileno()
    seen: list[str] = []
    fresh: list[socket.socket] = []

    def replace() -> None:
        ours.recv(10)
        loop.remove_reader(number)
        old.close()
        fresh.extend(socket.socketpair())
        assert fresh[0].fileno() == number  # the kernel gives the least number that is free
        loop.add_reader(number, lambda: seen.append("called"))

    loop.add_reader(number, lambda: seen.append("the old one"))
    loop.add_prompt_reader(ours.fileno(), replace)
    theirs.send(b"x")
    peer.send(b"for the old one")
    turns(loop)
    assert seen == []
    fresh[1].send(b"y")
    turns(loop, 1)
    assert seen
    loop.remove_reader(number)
    for end in (peer, *fresh):
        end.close()


def test_a_descriptor_may_be_read_out_of_turn_and_written_in_turn(loop: PromptLoop, pair: Pair) -> None:
    ours, theirs = pair
    seen: list[str] = []

    def writable() -> None:
        seen.append("writable")
        loop.remove_writer(ours)

    loop.add_prompt_reader(ours.fileno(), lambda: seen.append(ours.recv(10).decode()))
    loop.add_writer(ours, writable)
    turns(loop)
    theirs.send(b"read")
    turns(loop)
    assert seen == ["writable", "read"]
    loop.add_writer(ours, writable)
    loop.remove_prompt_reader(ours.fileno())
    theirs.send(b"unread")
    turns(loop)
    assert seen == ["writable", "read", "writable"]


def test_the_end_of_the_other_end_is_told_to_a_prompt_reader(loop: PromptLoop, pair: Pair) -> None:
    ours, theirs = pair
    seen: list[bytes] = []

    def read() -> None:
        seen.append(ours.recv(10))
        loop.remove_prompt_reader(ours.fileno())

    loop.add_prompt_reader(ours.fileno(), read)
    theirs.close()
    turns(loop)
    assert seen == [b""]


async def _read_all(readers: Any, ours: socket.socket, theirs: socket.socket) -> list[bytes]:
    seen: list[bytes] = []
    readers.add_reader(ours.fileno(), lambda: seen.append(ours.recv(10)))
    theirs.send(b"x")
    for _ in range(3):
        await asyncio.sleep(0)
    readers.remove_reader(ours.fileno())
    readers.remove_reader(ours.fileno())
    theirs.send(b"y")
    for _ in range(3):
        await asyncio.sleep(0)
    return seen


def test_in_debug_mode_readers_have_their_turn_and_can_be_removed(loop: PromptLoop, pair: Pair) -> None:
    loop.set_debug(True)
    ours, theirs = pair
    readers = out_of_turn(loop)
    loop.slow_callback_duration = 10.0
    assert loop.run_until_complete(_read_all(readers, ours, theirs)) == [b"x"]


def test_another_loop_reads_in_turn(pair: Pair) -> None:
    ours, theirs = pair
    other = asyncio.SelectorEventLoop()
    try:
        assert other.run_until_complete(_read_all(out_of_turn(other), ours, theirs)) == [b"x"]
    finally:
        other.close()


def test_a_prompt_reader_runs_in_the_context_in_which_it_was_added(loop: PromptLoop, pair: Pair) -> None:
    ours, theirs = pair
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
    seen: list[str] = []

    def read() -> None:
        ours.recv(10)
        seen.append(variable.get())

    typists = Typists(loop)

    def add() -> None:
        variable.set("client")
        typists.add_reader(ours.fileno(), read)

    contextvars.copy_context().run(add)
    theirs.send(b"x")
    turns(loop)
    theirs.send(b"x")
    typists.serve()
    assert seen == ["client", "client"] and variable.get() == "nobody"
    typists.remove_reader(ours.fileno())


def test_asyncio_finds_in_this_loop_what_it_finds_in_its_own(loop: PromptLoop) -> None:
    """Streams, subprocess pipes, timers, threads' wake-ups, connects that fail: all go through the selector."""

    async def everything() -> tuple[bytes, str, bytes]:
        server = await asyncio.start_server(lambda _r, w: (w.write(b"hello"), w.close()), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        greeting = await reader.read()
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        child = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
        echoed, _ = await child.communicate(b"through a pipe" * 10000)
        return greeting, await asyncio.to_thread(str, 7), echoed

    greeting, number, echoed = loop.run_until_complete(everything())
    assert greeting == b"hello" and number == "7" and echoed == b"through a pipe" * 10000
    loop.run_until_complete(loop.shutdown_default_executor())
