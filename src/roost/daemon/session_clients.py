"""Who is attached to one session: who is let in, who has to go, whose place is kept over a restart of the daemon.

Owns the list of attachments, the rules of the modes (exclusive, share, view), theft, and the tickets in the session's
record by which clients find their place again. Knows nothing of input except that some may not type beside others.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from roost.daemon.attachment import Attachment
from roost.daemon.direct_input import all_ended
from roost.daemon.last_frames import finish_with_exit, last_frame
from roost.daemon.places import Places
from roost.daemon.record import Ticket
from roost.daemon.stream import Stream
from roost.errors import AlreadyAttachedError
from roost.wire import frames
from roost.wire.frames import ExitInfo

if TYPE_CHECKING:
    from roost.daemon.session import Session


class SessionClients:
    """The clients of one session."""

    def __init__(self, loop: asyncio.AbstractEventLoop, session: Session, save: Callable[[], None]) -> None:
        self._session = session
        self._record = session.record
        self._save = save
        self._places = Places(loop, session.streams, on_given_up=self._drop_ticket)
        self._stolen: set[Attachment] = set()  # told to be gone already
        self._leaving = False
        self.attachments: list[Attachment] = []

    def attached(self, stream: str | None = None) -> list[Attachment]:
        """Interactive attachments, of one stream or of all."""
        wanted = self._session.streams.get(stream) if stream else None
        return [
            a
            for a in self.attachments
            if a.traits.interactive and not a.finishing and (wanted is None or a.stream is wanted)
        ]

    def admit(self, stream: str, mode: str, *, steal: bool, label: str, token: str) -> None:
        """Make room for a client or refuse it; views always find room. Stolen-from clients are told by whom.

        Raises AlreadyAttachedError.
        """
        if token:
            self._places.claim(token)
        if mode == "view":
            return
        rivals = [a for a in self.attached(stream) if mode == "exclusive" or a.traits.mode == "exclusive"]
        for rival in [a for a in rivals if token and a.traits.token.hex() == token]:
            rivals.remove(rival)  # the same client's previous connection, not yet seen to be closed
            rival.close()
        waiting = self._places.rivals(stream, mode)
        if (rivals or waiting) and not steal:
            self._drop_ticket(token)
            who = ", ".join(a.traits.label or "a client" for a in rivals) or "a client that is reconnecting"
            joinable = not waiting and all(a.traits.mode == "share" for a in rivals)
            beside = ", type beside them with --share" if joinable else ""
            raise AlreadyAttachedError(
                f"session {self._record.name} is already attached ({who}); "
                f"take it over with --steal, watch with --view{beside}"
            )
        self._session.typing.direct.end(self._not_beside(token, mode), discarding=True)
        for rival in rivals:
            rival.finish(last_frame(rival, "stolen", label or "peer"))
            self._stolen.add(rival)
            self._session.tell(
                "stolen", {"client": rival.traits.id, "label": rival.traits.label, "by": label or "peer"}
            )
        for place in waiting:
            self._places.release(place)

    async def make_room(self, stream: str, mode: str, *, steal: bool, token: str) -> None:
        """Before `admit`: take the inputs back of those who may not type beside this client, and its own of before.

        When this returns the keeper has said that nothing of them can come any more; `admit` follows without a wait.
        """
        while self._session.typing.past_daemon and not self._would_refuse(stream, mode, steal=steal, token=token):
            ending = self._session.typing.direct.end(self._not_beside(token, mode), discarding=True)
            if mode != "view":
                ending += self._session.typing.recall()
            if not ending:
                return
            await all_ended(ending)

    def _would_refuse(self, stream: str, mode: str, *, steal: bool, token: str) -> bool:
        if steal or mode == "view":
            return False
        rivals = [a for a in self.attached(stream) if "exclusive" in (mode, a.traits.mode)]
        places = set(self._places.rivals(stream, mode)) - {token}
        return bool(places) or any(a.traits.token.hex() != token for a in rivals)

    def _not_beside(self, token: str, mode: str) -> list[str]:
        """Whose direct inputs must have ended when a client of that mode is admitted."""
        modes = {ticket.token: ticket.mode for ticket in self._record.tickets}
        return [
            other
            for other in self._session.typing.direct.tokens()
            if other == token or other not in modes or (mode != "view" and "exclusive" in (mode, modes[other]))
        ]

    def join(self, attachment: Attachment) -> None:
        """Count a client in, after `admit`."""
        self.attachments.append(attachment)
        self._session.typing.joined(attachment)
        traits = attachment.traits
        self._session.tell(
            "attached",
            {
                "client": traits.id,
                "label": traits.label,
                "mode": traits.mode,
                "stream": self._stream_name(attachment.stream),
                "tty": traits.tty,
                "term": traits.term,
                "lossless": traits.lossless,
                "resumed": any(t.token == traits.token.hex() for t in self._record.tickets),
            },
        )
        if attachment.traits.extended:
            token = attachment.traits.token.hex()
            self._record.tickets = [t for t in self._record.tickets if t.token != token]
            self._record.tickets.append(
                Ticket(
                    token=token,
                    mode=attachment.traits.mode,
                    stream=self._stream_name(attachment.stream),
                    lossless=attachment.traits.lossless,
                    label=attachment.traits.label,
                    reader=attachment.reader,
                )
            )
            self._save()

    def left(self, attachment: Attachment) -> None:
        """Count a client out; the session goes on."""
        if attachment not in self.attachments:
            return
        if self._session.is_pty and not self._session.forgotten:
            attachment.stream.scan_to_end()  # what was asked up to now was this client's to answer
        self.attachments.remove(attachment)
        self._session.typing.left(attachment)
        if self._session.is_pty:
            self._session.window.leave(attachment.traits.id)
        self._tell_detached(attachment)
        token = attachment.traits.token.hex()
        if self._leaving or any(a.traits.token.hex() == token for a in self.attachments):  # it has come back already
            return
        self._drop_ticket(token)

    def _tell_detached(self, attachment: Attachment) -> None:
        if attachment in self._stolen:
            self._stolen.discard(attachment)
        elif not self._session.forgotten:
            self._session.tell("detached", {"client": attachment.traits.id, "label": attachment.traits.label})

    def _drop_ticket(self, token: str) -> None:
        """The client with that token will not come back to its place."""
        self._session.typing.direct.end([token], discarding=False)
        if any(t.token == token for t in self._record.tickets):
            self._record.tickets = [t for t in self._record.tickets if t.token != token]
            self._save()

    def _stream_name(self, stream: Stream) -> str:
        return next(name for name, candidate in self._session.streams.items() if candidate is stream)

    def detach_all(self, stream: str | None = None) -> int:
        """Send clients (of one stream) away with `detached`; how many there were."""
        wanted = self._session.stream(stream) if stream else None
        leaving = [a for a in self.attachments if not a.finishing and (wanted is None or a.stream is wanted)]
        for attachment in leaving:
            self.detach(attachment)
        return len(leaving)

    def detach(self, attachment: Attachment) -> None:
        """Send one client away."""
        self._session.typing.direct.end([attachment.traits.token.hex()], discarding=False)
        attachment.finish(last_frame(attachment, "detached"))

    def keep_places(self) -> None:
        """Keep the places of the previous daemon's clients for a while (once, at adoption)."""
        self._places.keep(self._record.tickets)
        self._session.typing.give_up_nobodys()

    # --- the end --------------------------------------------------------------------------------------------------

    def exited(self, info: ExitInfo) -> None:
        """Every client gets the rest of the output, then the exit."""
        for attachment in list(self.attachments):
            finish_with_exit(attachment, info)

    def send_eof(self, stream: Stream) -> None:
        """A pipe is closed and no exit known: plain v1 clients of it are told by `eof`."""
        for attachment in [a for a in self.attachments if a.stream is stream and not a.traits.extended]:
            attachment.finish(frames.pipe_eof(), until=max(stream.ring.end, attachment.offset))

    def cut_terminated(self) -> None:
        """Terminate was asked for long ago and no exit is known: tell the clients and let them go."""
        for attachment in list(self.attachments):
            attachment.finish(last_frame(attachment, "terminated"))

    def leave(self, *, coming_back: bool) -> None:
        """The daemon stops. Clients that can resume with the next one just lose the connection; the others are told."""
        self._leaving = coming_back  # their places are kept then; else they are given up as each client goes
        if not coming_back:
            self._places.release_all()
        for attachment in list(self.attachments):
            if not (coming_back and attachment.traits.extended):
                attachment.say_and_close(last_frame(attachment, "the daemon was stopped; the session goes on"))

    def close(self) -> None:
        """The session is forgotten, or the daemon stops: everybody goes."""
        self._places.close()
        for attachment in list(self.attachments):
            attachment.close()


def new_token() -> bytes:
    """A resume token."""
    return os.urandom(16)
