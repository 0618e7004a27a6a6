"""In which formats `roost export` writes, and to which files: from the flags and the name of the output.

Pure. Nothing that was asked for is left out silently: several formats become several files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

#: Format → the ending of its files.
ENDINGS = {
    "svg": "svg",
    "gif": "gif",
    "png": "png",
    "html": "html",
    "txt": "txt",
    "cast": "cast",
    "cast-v2": "v2.cast",
}
#: Those of which there is a still; the others are films or recordings.
STILLS = ("svg", "png", "html", "txt")
BINARY = ("gif", "png")


def outputs(forms: Sequence[str], output: str | None) -> list[tuple[str, str | None]]:
    """Every format with its file, None for stdout. Raises UsageError."""
    forms = list(dict.fromkeys(forms))
    to_file = output not in (None, "-")
    named = _named(output) if output is not None and to_file else ""
    if not forms:
        if not named:
            raise click.UsageError(f"say which format: {', '.join('--' + name for name in ENDINGS)}")
        return [(named, output)]
    if len(forms) == 1:
        if named and named != forms[0] and {named, forms[0]} != {"cast", "cast-v2"}:
            raise click.UsageError(f"{output} is called {named}, but --{forms[0]} was asked for")
        return [(forms[0], output if to_file else None)]
    if output is None or not to_file:
        raise click.UsageError("several formats are several files; name them with -o, without an ending")
    stem = os.path.splitext(output)[0] if named else output
    return [(form, f"{stem}.{ENDINGS[form]}") for form in forms]


def _named(output: str) -> str:
    """The format that a file's ending says, "" for none."""
    ending = os.path.splitext(output)[1].removeprefix(".").lower()
    return {"htm": "html"}.get(ending, ending if ending in ENDINGS else "")
