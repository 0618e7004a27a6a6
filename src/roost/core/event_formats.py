"""How an event looks to those outside: roost's envelope, and CloudEvents 1.0. Pure: event in, plain values out."""

from __future__ import annotations

from typing import Any

from roost.core.events import Event

#: Types come with this prefix in CloudEvents, since `exited` alone would say nothing in a shared broker.
CLOUD_TYPE = "roost"


def envelope(event: Event) -> dict[str, Any]:
    """`{"at": …, "event": {"type": …, …}}`: when, and everything else with the type first."""
    fields = event.as_dict()
    at = fields.pop("at")
    return {"at": at, "event": {"type": fields.pop("type"), **fields}}


def cloud_event(event: Event, origin: str) -> dict[str, Any]:
    """The event as CloudEvents 1.0 in structured mode; `origin` names the machine and scope, ids are unique in it.

    Source: CloudEvents specification 1.0.2, sections "Context Attributes" and "JSON Event Format".
    """
    fields = event.as_dict()
    made = {
        "specversion": "1.0",
        "id": fields["id"],
        "source": origin,
        "type": f"{CLOUD_TYPE}.{event.category}.{event.type}",
        "time": fields["at"],
        "datacontenttype": "application/json",
        "data": event.data,
        "sessionname": event.session_name,
        "originator": event.originator,
        "grade": event.grade,
        "observer": event.source,
    }
    if event.session_id:
        made["subject"] = event.session_id
    return {key: value for key, value in made.items() if value != ""}


def event_id_of(shown: dict[str, Any]) -> str:
    """The id in either form; "" when there is none."""
    inner = shown.get("event", shown)
    found = inner.get("id", "") if isinstance(inner, dict) else ""
    return found if isinstance(found, str) else ""
