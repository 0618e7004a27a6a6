"""What both attachments can tell about themselves without touching their socket."""

from __future__ import annotations

from roost.client.stream import AttachmentState


class AttachmentFacts:
    """Read-only facts of an attachment, the same for blocking and asyncio code."""

    _state: AttachmentState

    def __repr__(self) -> str:
        state = self._state
        phase = "ended" if state.ended else "streaming" if state.streaming else "reconnecting"
        return f"<{type(self).__name__} of {self.name} ({self.session_id}) at {self.offset}, {phase}>"

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self._state.attached.session_id

    @property
    def name(self) -> str:
        """The session's name at the time of the attach."""
        return self._state.attached.name

    @property
    def kind(self) -> str:
        """ "pty" or "pipe"."""
        return self._state.attached.kind

    @property
    def attachment_id(self) -> str:
        """This client's id in `SessionInfo.clients`; another one after a reconnect."""
        return self._state.attached.attachment_id

    @property
    def start_offset(self) -> int:
        """Absolute offset where output starts; a gap follows at once if that is no longer retained."""
        return self._state.attached.start_offset

    @property
    def end_offset(self) -> int:
        """Absolute offset where the stream stood at the attach: output before it is backlog, behind it live."""
        return self._state.attached.end_offset

    @property
    def restore(self) -> bytes:
        """Bytes to write to the terminal first: the modes that were set at `start_offset`, if they were asked for."""
        return self._state.attached.restore

    @property
    def restored(self) -> str:
        """What `restore` is: "screen" (contents, cursor, modes, title), "raw" (modes only) or "none"."""
        return self._state.attached.restored

    @property
    def uncertain(self) -> bool:
        """Whether the modes in `restore` are a guess, because output was lost before they were looked at."""
        return self._state.attached.uncertain

    @property
    def reset(self) -> bytes:
        """Bytes that put the terminal back as it was found; known after the last event."""
        return self._state.reset

    @property
    def offset(self) -> int:
        """Absolute offset behind the last byte that `recv` returned."""
        return self._state.offset

    @property
    def connected(self) -> bool:
        """Whether the daemon is there. If not, `recv` and `write` are what brings it back."""
        return self._state.streaming

    @property
    def input_bytes_unsent(self) -> int:
        """Input that `write` accepted and that still waits here, at most 64 KiB."""
        return self._state.outbox.unsent_bytes

    @property
    def input_bytes_in_doubt(self) -> int:
        """Input that was sent and that the child is not yet known to have been given."""
        return self._state.outbox.in_doubt_bytes
