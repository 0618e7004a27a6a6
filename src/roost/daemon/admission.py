"""Turning a connection into an attachment: where its output starts, what the answer says.

Owns the difference between v1's attach (backlog in the answer, read mark moved) and roost's (frames from an offset).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from roost.core.backlog import V1Mark, v1_attach
from roost.core.cursor import place
from roost.core.queries import query_spans
from roost.core.sizing import check_size
from roost.daemon.asker import ASKER
from roost.daemon.attachment import Attachment, AttachmentTraits
from roost.daemon.guest_attachment import GuestAttachment
from roost.daemon.guests import Lender
from roost.daemon.last_frames import finish_with_exit
from roost.daemon.lending import Lent
from roost.daemon.local_attachment import LocalAttachment
from roost.daemon.prompt_loop import Readers
from roost.daemon.session import Session
from roost.daemon.session_clients import new_token
from roost.daemon.stream import Stream
from roost.errors import InvalidError, NoRunError
from roost.ring.reader import RingReader
from roost.wire.conversation import ServerConversation

RESTORES = ("screen", "raw", "none")
MODES = ("exclusive", "share", "view")


@dataclass(frozen=True, slots=True)
class Painted:
    """A screen as what paints it; the output behind `offset` follows on it."""

    offset: int
    data: bytes
    approximate: bool


@dataclass(frozen=True, slots=True)
class AttachSpec:
    """An attach as a client asks for it."""

    stream: str = "stdout"
    steal: bool = False
    rows: int = 0
    cols: int = 0
    tty: bool = False
    term: str = ""
    graphics: object | None = None
    extended: bool = False
    mode: str = "exclusive"
    lossless: bool = False
    label: str = ""
    from_offset: int | None = None
    tail_bytes: int | None = None
    restore: str = "raw"
    painted: Painted | None = None  # the screen to begin with, in place of what is retained
    resume_token: bytes = b""
    types_directly: bool = False  # it may be lent a way of its own to the terminal
    environment: Mapping[bytes, bytes] | None = None  # what it tells of where it sits


@dataclass(frozen=True, slots=True)
class Admitted:
    """What the answer to an attach says."""

    session: Session
    attachment_id: str
    token: bytes
    start_offset: int
    end_offset: int
    backlog: bytes = b""
    bytes_missed: int = 0
    restore: bytes = b""
    uncertain: bool = False
    restored: str = ""  # what `restore` is: "screen", "raw" or "none"
    blanks: tuple[tuple[int, int], ...] = ()  # spans of the backlog that the client must not see
    local: int = 0  # how many descriptors come with the answer


@dataclass(frozen=True, slots=True)
class Newcomer:
    """The connection of a client that asks to be attached. `on_gone` is called at its end.

    lent: with what it is to read its output itself; None where the daemon sends it.
    """

    sock: socket.socket
    conversation: ServerConversation
    on_gone: Callable[[], None]
    lent: Lent | None = None


class Attacher:
    """Admits clients."""

    def __init__(self, loop: asyncio.AbstractEventLoop, readers: Readers) -> None:
        """`readers`: who reads what clients send."""
        self._loop = loop
        self._readers = readers

    def attach(
        self, session: Session, spec: AttachSpec, newcomer: Newcomer, lender: Lender | None = None
    ) -> tuple[Attachment, Admitted]:
        """Admit a client and build its attachment; nothing is sent before `Attachment.start`.

        What it was lent belongs to the attachment once this has succeeded. `lender` may lend the connection of a plain
        v1 client to the keeper.
        """
        stream = _asked_for(session, spec)
        token = spec.resume_token or new_token()
        session.clients.admit(spec.stream, spec.mode, steal=spec.steal, label=spec.label, token=token.hex())
        admitted = self._place(session, stream, spec, token)
        if newcomer.lent is not None and admitted.blanks:
            newcomer.lent.release()  # parts of what is retained are not for this client: the daemon sends it
            newcomer = replace(newcomer, lent=None)
        attachment = self._build(session, spec, newcomer, admitted, lender)
        if newcomer.lent is not None:
            admitted = replace(admitted, local=len(newcomer.lent.fds))
        session.clients.join(attachment)
        if session.ending is not None:
            finish_with_exit(attachment, session.ending.info)
        if session.is_pty and spec.tty and attachment.traits.interactive and session.live:
            session.client_size(attachment, spec.rows, spec.cols)
        return attachment, admitted

    def _build(
        self, session: Session, spec: AttachSpec, newcomer: Newcomer, admitted: Admitted, lender: Lender | None
    ) -> Attachment:
        """The attachment, of the kind that fits the client."""

        def on_closed(gone: Attachment) -> None:
            session.clients.left(gone)
            newcomer.on_gone()

        kind: Callable[..., Attachment] = Attachment
        if newcomer.lent is not None:
            kind = partial(LocalAttachment, lent=newcomer.lent)
        elif lender is not None and lender.is_able and session.is_pty and _is_plain(spec):
            kind = partial(GuestAttachment, session=session, lender=lender)
        attachment = kind(
            self._loop,
            newcomer.sock,
            newcomer.conversation,
            session.stream(spec.stream),
            _traits(session, spec, admitted),
            offset=admitted.start_offset if spec.extended else admitted.end_offset,
            on_input=session.on_input,
            on_closed=on_closed,
            readers=self._readers,
        )
        attachment.blanks = admitted.blanks
        return attachment

    def _place(self, session: Session, stream: Stream, spec: AttachSpec, token: bytes) -> Admitted:
        attachment_id = "a-" + os.urandom(4).hex()
        if not spec.extended:
            return _place_v1(session, stream.ring, attachment_id, token)
        stream.scan_to_end()
        end = stream.ring.end
        if spec.painted is not None:
            painted = spec.painted
            _leave_questions(session, spec, painted.offset)
            return Admitted(
                session,
                attachment_id,
                token,
                painted.offset,
                end,
                restore=painted.data,
                uncertain=painted.approximate,
                restored="screen",
            )
        start = place(stream.ring.start, end, from_offset=spec.from_offset, tail_bytes=spec.tail_bytes).offset
        exit_offset = stream.ring.exit_offset
        if not session.live and exit_offset is not None and spec.from_offset is None:
            start = min(start, exit_offset)
        restore, restored = b"", "none"
        uncertain = False
        blanks: tuple[tuple[int, int], ...] = ()
        if stream.scanner is not None:
            uncertain = stream.scanner.uncertain
            if spec.restore == "raw" and not spec.resume_token:
                restore, restored = stream.scanner.restore_string(start), "raw"
            left = _leave_questions(session, spec, start)
            if spec.tty and spec.restore != "none":
                blanks = _answered(stream.ring, start, end, left)
        return Admitted(
            session,
            attachment_id,
            token,
            start,
            end,
            restore=restore,
            uncertain=uncertain,
            restored=restored,
            blanks=blanks,
        )


def _asked_for(session: Session, spec: AttachSpec) -> Stream:
    """The stream to attach to. Raises what is wrong with the attach, before anybody is sent away or counted in."""
    if spec.mode not in MODES:
        raise InvalidError(f"unknown mode {spec.mode!r}; modes are {', '.join(MODES)}")
    if spec.restore not in RESTORES:
        raise InvalidError(f"restore {spec.restore!r} is not known; there are {', '.join(RESTORES)}")
    stream = session.stream(spec.stream)
    if not spec.extended and not session.live:
        raise NoRunError(_gone_text(session))
    if session.is_pty and spec.tty:
        check_size(spec.rows, spec.cols)
    return stream


def _traits(session: Session, spec: AttachSpec, admitted: Admitted) -> AttachmentTraits:
    return AttachmentTraits(
        id=admitted.attachment_id,
        mode=spec.mode,
        lossless=spec.lossless,
        extended=spec.extended,
        pipe=not session.is_pty,
        label=spec.label,
        token=admitted.token,
        tty=spec.tty,
        term=spec.term,
        graphics=spec.graphics,
        asker=ASKER.get(),
    )


def _is_plain(spec: AttachSpec) -> bool:
    """Whether that client speaks v1 as it was, alone at its terminal."""
    return not spec.extended and not spec.lossless and spec.mode == "exclusive"


def _leave_questions(session: Session, spec: AttachSpec, start: int) -> frozenset[int]:
    """Leave to a client's terminal what it will see of questions that nobody has answered; their offsets."""
    if spec.mode == "view" or session.responder is None:
        return frozenset()
    return session.responder.hand_over(start)


def _answered(ring: RingReader, start: int, end: int, left: frozenset[int]) -> tuple[tuple[int, int], ...]:
    """The spans of questions in the backlog that are not left to this client."""
    start = max(start, ring.start)
    data = ring.read(start, end - start) or b""
    return tuple((first, last) for first, last in query_spans(data, start) if first not in left)


def _place_v1(session: Session, ring: RingReader, attachment_id: str, token: bytes) -> Admitted:
    while True:
        end = ring.end
        plan, mark = v1_attach(V1Mark(ring.v1_mark, ring.v1_counter), end=end, capacity=ring.capacity)
        backlog = ring.read(plan.start, end - plan.start)
        if backlog is not None:
            ring.set_v1(mark.mark, mark.counter)
            return Admitted(session, attachment_id, token, plan.start, end, backlog, plan.missed)


def _gone_text(session: Session) -> str:
    assert session.ending is not None
    info = session.ending.info
    code = "unknown" if info.code is None else info.code
    return f"session {session.id} has exited (exit code {code}, at {info.at:.3f})"
