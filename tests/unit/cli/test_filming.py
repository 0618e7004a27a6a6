"""The process that makes pictures: its result, its errors, its sudden end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from roost.cli.filming import PictureOrder, make_picture
from roost.errors import InvalidError, RoostError, UnavailableError


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ("kill -SEGV $$", UnavailableError, "SIGSEGV"),
        ("""echo '{"kind": "invalid", "message": "why"}' >&2; exit 3""", InvalidError, "^why$"),
        ("echo Traceback >&2; echo 'NameError: x' >&2; exit 1", RoostError, "NameError: x"),
    ],
)
def test_however_the_process_ends_an_error_says_so(
    script: str, error: type[Exception], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    with pytest.raises(error, match=words):
        make_picture("x.cast", PictureOrder("svg"))
