"""Generates the asyncio side of the client's verbs from the blocking side (`make async`), or checks it (`--check`).

Owns the list of modules that exist twice and the few words in which they differ. What is written by hand on both sides
is what really differs: connections, attachments, streams of events.
"""

from __future__ import annotations

import argparse
import itertools
import re
import subprocess
import sys
import tempfile
from pathlib import Path

CLIENT = Path(__file__).resolve().parent.parent / "src" / "roost" / "client"
SOURCES = (
    "access",
    "approvals",
    "automation",
    "daemon_verbs",
    "event_verbs",
    "recording",
    "services",
    "session",
    "session_expect",
    "session_verbs",
)
#: Classes of the blocking side, which begin with Async on the other.
CLASSES = (
    "Access",
    "Approvals",
    "Attachment",
    "AutomationVerbs",
    "Client",
    "DaemonVerbs",
    "EventStream",
    "EventVerbs",
    "Perform",
    "RecordingVerbs",
    "Services",
    "Session",
    "SessionVerbs",
    "Verbs",
)
#: Modules with another name on the other side.
MODULES = {
    "client.sync": "client.aio",
    "client.attachment": "client.aio_attachment",
    "client.event_stream": "client.aio_event_stream",
    "client.session ": "client.aio_session ",
    "client.session_expect": "client.aio_session_expect",
}
#: What has to be awaited: the client's calls, and the verbs of a client that handles pass on to.
AWAITED = re.compile(
    r"(?<![\w.])(?=(?:self\.|client\.)_perform\(|(?:self\.)?client\.(?!events\(|_)\w+\(|_?expect\w*\()"
)
_FUNCTION = re.compile(r"^( *)def (?=\w)", re.MULTILINE)


def translate(name: str, source: str) -> str:
    """The asyncio side of a module, not yet formatted."""
    head, quote, rest = source.partition('"""\n')  # the end of a docstring of several lines
    if "\n" not in head:
        raise SystemExit(f"{name}.py: its docstring has to have several lines")
    text = f"{head}\nGenerated from `{name}` by `make async`.\n{quote}{rest}"
    for old, new in MODULES.items():
        text = text.replace(old, new)
    text = re.sub(rf"\b(?<!\.)({'|'.join(CLASSES)})\b(?! of )", r"Async\1", text)
    lines = [line if _is_signature(line) else AWAITED.sub("await ", line) for line in text.split("\n")]
    return _with_coroutines("\n".join(lines))


def _is_signature(line: str) -> bool:
    return line.lstrip().startswith(("def ", "class ", "from ", "import ", '"""', "#"))


def _with_coroutines(text: str) -> str:
    """Functions with an `await` in their body become coroutines."""
    starts = [match.start() for match in _FUNCTION.finditer(text)] + [len(text)]
    pieces = [text[: starts[0]]]
    for start, end in itertools.pairwise(starts):
        function = text[start:end]
        if re.search(r"\bawait ", function):
            function = _FUNCTION.sub(r"\1async def ", function, count=1)
        pieces.append(function)
    return "".join(pieces)


def generate(into: Path) -> None:
    """Write the generated modules into a directory."""
    paths = []
    for name in SOURCES:
        paths.append(into / f"aio_{name}.py")
        paths[-1].write_text(translate(name, (CLIENT / f"{name}.py").read_text()))
    config = ("--config", str(CLIENT.parents[2] / "pyproject.toml"))
    for command in (("check", "--select", "I", "--fix", "--quiet"), ("format", "--quiet")):
        subprocess.run([sys.executable, "-m", "ruff", *command, *config, "--no-cache", *map(str, paths)], check=True)


def stale_files() -> list[str]:
    """The committed modules that differ from what their sources generate now."""
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        fresh = {path.name: path.read_text() for path in Path(scratch).iterdir()}
    return [name for name, text in sorted(fresh.items()) if _committed(name) != text]


def _committed(name: str) -> str:
    path = CLIENT / name
    return path.read_text() if path.exists() else ""


def main(arguments: list[str] | None = None) -> int:
    """Generate, or with --check compare; exit status 1 names what is stale."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    if not parser.parse_args(arguments).check:
        generate(CLIENT)
        return 0
    stale = stale_files()
    for name in stale:
        print(f"src/roost/client/{name} does not match its source: run `make async` and commit it", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
