"""The whole of protocol v1 as a client in another language sees it: built here when there is a Rust compiler.

`v1_client` was written from the protocol's description alone. Each of its groups ends with the number of facts that
held and that did not.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.instance import Instance

SOURCE = Path(__file__).parent / "v1_client" / "main.rs"
GROUPS = ("transport", "terminal", "pipes", "ends", "races", "registry", "fuzz")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client."""
    compiler = shutil.which("rustc")
    if compiler is None:
        pytest.skip("there is no rustc to build the client with")
    built = tmp_path_factory.mktemp("v1_client") / "v1_client"
    subprocess.run([compiler, "--edition", "2021", "-O", "-D", "warnings", "-o", built, SOURCE], check=True)
    return built


@pytest.fixture(scope="module")
def roost() -> Iterator[tuple[Instance, int]]:
    """A roost for all groups, and the pid of its daemon."""
    instance = Instance()
    try:
        yield instance, instance.start()
    finally:
        instance.end()


def run(program: Path, roost: tuple[Instance, int], scratch: Path, group: str) -> None:
    """One group; every fact must hold."""
    instance, pid = roost
    done = subprocess.run(
        [program, instance.socket, str(pid), scratch, group],
        env={**instance.environ, "FUZZ": "8000"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert not failed and done.returncode == 0, "\n".join(failed) or done.stderr
    assert " ok, 0 failed" in done.stdout and not done.stdout.startswith("0 ok")


@pytest.mark.parametrize("group", GROUPS)
def test_what_the_description_says_holds(
    program: Path, roost: tuple[Instance, int], tmp_path: Path, group: str
) -> None:
    run(program, roost, tmp_path, group)


@pytest.mark.parametrize("ending", ["sigterm", "shutdown"])
def test_clients_are_told_when_the_daemon_ends(program: Path, instance: Instance, tmp_path: Path, ending: str) -> None:
    pid = instance.start()
    run(program, (instance, pid), tmp_path, f"last.{ending}")


@pytest.fixture
def instance() -> Iterator[Instance]:
    """A roost that is ended by the test."""
    one = Instance()
    try:
        yield one
    finally:
        one.end()
