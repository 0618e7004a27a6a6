"""What callers get back: frozen types for sessions, clients, statuses and the events of an attachment.

Owns the fields and their units. Must not know how they travel: `from_json` takes a decoded JSON object and ignores keys
it does not know, so that a newer daemon may say more; `to_json` gives what `--json` prints.

The types stand in modules of their own, which roost itself imports: making them all takes 20 ms. From here every one is
loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roost.model.attaching import AttachmentEvent, Detached, Exited, Gap, Output, Reconnected, Resized, Stolen
    from roost.model.files import RecordingInfo, TeeInfo
    from roost.model.record import Record
    from roost.model.running import ProcessInfo, ServiceInfo, ZombieInfo
    from roost.model.sessions import Backlog, ClientInfo, ExitStatus, HistoryEntry, SessionInfo, TerminateResult
    from roost.model.settings import Check, ConfigInfo, DaemonStatus, ObserverInfo, SettingInfo, SinkInfo

__all__ = [
    "AttachmentEvent",
    "Backlog",
    "Check",
    "ClientInfo",
    "ConfigInfo",
    "DaemonStatus",
    "Detached",
    "ExitStatus",
    "Exited",
    "Gap",
    "HistoryEntry",
    "ObserverInfo",
    "Output",
    "ProcessInfo",
    "Reconnected",
    "Record",
    "RecordingInfo",
    "Resized",
    "ServiceInfo",
    "SessionInfo",
    "SettingInfo",
    "SinkInfo",
    "Stolen",
    "TeeInfo",
    "TerminateResult",
    "ZombieInfo",
]

_HOMES = {
    "attaching": "AttachmentEvent Detached Exited Gap Output Reconnected Resized Stolen",
    "files": "RecordingInfo TeeInfo",
    "record": "Record",
    "running": "ProcessInfo ServiceInfo ZombieInfo",
    "sessions": "Backlog ClientInfo ExitStatus HistoryEntry SessionInfo TerminateResult",
    "settings": "Check ConfigInfo DaemonStatus ObserverInfo SettingInfo SinkInfo",
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names.split():
            return getattr(import_module(f"roost.model.{home}"), name)
    raise AttributeError(f"module 'roost.model' has no attribute {name!r}")
