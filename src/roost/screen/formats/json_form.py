"""A screen as JSON: its text, and the runs of each line with the style fields that are not plain."""

from __future__ import annotations

import json
from typing import Any

from roost.core.modes import SWITCHES
from roost.screen.snapshot import Line, Run, Snapshot


def render(snapshot: Snapshot) -> bytes:
    """One JSON object."""
    return json.dumps(describe(snapshot), ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def describe(snapshot: Snapshot) -> dict[str, Any]:
    """The same as an object: rows and columns count from 0, `scrollback` is what was asked for of it."""
    return {
        **facts(snapshot),
        "lines": [_line(line) for line in snapshot.lines],
        "scrollback": [_line(line) for line in snapshot.scrollback],
    }


def facts(snapshot: Snapshot) -> dict[str, Any]:
    """What is to be said of a screen beside its lines."""
    cursor = snapshot.cursor
    return {
        "hash": snapshot.hash,
        "offset": snapshot.offset,
        "rows": snapshot.rows,
        "cols": snapshot.cols,
        "title": snapshot.title,
        "alternate": snapshot.alternate,
        "approximate": snapshot.approximate,
        "cursor": {
            "row": cursor.row,
            "column": cursor.column,
            "visible": cursor.visible,
            "shape": cursor.shape,
            "blinking": cursor.blinking,
        },
        "scrollback_lines": snapshot.scrollback_lines,
        "modes": {str(number): not SWITCHES.get(number, False) for number in snapshot.modes},
        "colours": _colours(snapshot),
    }


def _colours(snapshot: Snapshot) -> dict[str, Any]:
    palette = snapshot.palette
    named = {"foreground": palette.foreground, "background": palette.background, "cursor": palette.cursor}
    found: dict[str, Any] = {name: list(colour) for name, colour in named.items() if colour is not None}
    if palette.numbered:
        found["numbered"] = {str(number): list(colour) for number, colour in palette.numbered}
    return found


def _line(line: Line) -> dict[str, Any]:
    return {"text": line.text, "runs": [_run(run) for run in line.runs], "wrapped": line.wrapped}


def _run(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = {"column": run.column, "cells": run.cells, "text": run.text}
    style = run.style.set_fields()
    return {**found, "style": style} if style else found
