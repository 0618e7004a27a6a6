"""What the client's side may load: it is on the path of every command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SRC = Path(__file__).resolve().parents[3] / "src"
HEAVY = ("asyncio", "dataclasses", "enum", "google.protobuf", "inspect", "msgspec", "re", "socket", "typing")
CLIENT_SIDE = ("lite", "framing", "frames", "requests", "conversation")


def loaded(imports: str) -> set[str]:
    script = f"import sys; sys.path.insert(0, {str(SRC)!r}); before = set(sys.modules); {imports}; "
    script += "print('\\n'.join(set(sys.modules) - before))"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_the_clients_side_loads_nothing_heavy() -> None:
    """Neither protobuf nor any of the slower parts of the standard library comes with it."""
    modules = loaded("import " + ", ".join(f"roost.wire.{name}" for name in CLIENT_SIDE))
    assert "roost.wire.conversation" in modules
    assert not modules.intersection(HEAVY)
