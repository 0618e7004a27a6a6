"""What the tests of the page share with the picture of it: links that let in, and where pictures are left."""

from __future__ import annotations

from urllib.parse import quote

from support.instance import SOURCE, Instance

#: Pictures that the tests leave for people to look at; not committed.
PICTURES = SOURCE.parent / "build" / "page"


def link_of(instance: Instance, scope: str = "admin") -> str:
    """A link that lets one browser in, once, as `roost web` prints it."""
    with instance.client() as client:
        urls = [str(entry["url"]) for entry in client.access.addresses()]
        url = next((url for url in urls if url.startswith("http://127.")), None) or client.access.listen("127.0.0.1:0")
        return f"{url}/#ticket={quote(client.access.ticket(scope))}"
