"""Generates the protobuf module of roost.wire from proto/daemon_v1.proto (`make proto`), or checks it (`--check`).

Owns the call of the protobuf compiler. The compiler stamps its version into the module, which then refuses any older
runtime: the pinned grpcio-tools and the floor of `protobuf` in pyproject.toml therefore move together.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ("daemon_v1_pb2.py", "daemon_v1_pb2.pyi")
PACKAGE = "roost/wire"


def generate(into: Path) -> None:
    """Write the generated files below the directory `into`. Raises SystemExit if the compiler refuses the source."""
    # The virtual path keeps our file apart from another daemon_v1.proto in the process-wide descriptor pool.
    arguments = ["protoc", f"-I{PACKAGE}={ROOT / 'proto'}", f"--python_out={into}", f"--pyi_out={into}"]
    status = protoc.main([*arguments, f"{PACKAGE}/daemon_v1.proto"])
    if status != 0:
        raise SystemExit(f"protoc ended with status {status}")


def stale_files() -> list[str]:
    """The committed files that differ from what the source generates now."""
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        fresh = Path(scratch) / PACKAGE
        committed = ROOT / "src" / PACKAGE
        return [
            name
            for name in GENERATED
            if not (committed / name).exists() or (committed / name).read_bytes() != (fresh / name).read_bytes()
        ]


def main(arguments: list[str] | None = None) -> int:
    """Generate, or with --check compare; exit status 1 names what is stale."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    if not parser.parse_args(arguments).check:
        generate(ROOT / "src")
        return 0
    stale = stale_files()
    for name in stale:
        print(
            f"src/{PACKAGE}/{name} does not match proto/daemon_v1.proto: run `make proto` and commit it",
            file=sys.stderr,
        )
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
