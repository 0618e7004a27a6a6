"""What the build brings in from elsewhere: bundles for browsers, put into `src/roost/assets` and never committed.

Each bundle is an entry in BUNDLES: a name, what marks it as up to date, and a function that fills a directory. A bundle
that cannot be made (no npm, no network) is left out and said so: the installation works, and the page that would have
used it says what is missing. ROOST_BUILD_ASSETS=0 makes none, =1 makes a missing one an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = "src/roost/assets"
SWAGGER = "5.35.0"
_NPM_S = 120


class CannotBuildError(Exception):
    """A bundle cannot be made here; the text says why."""


class Bundle(NamedTuple):
    """One directory below ASSETS. stamp: changes when it must be made anew. make(root, into): fills the directory."""

    name: str
    stamp: str
    make: Callable[[Path, Path], None]


def npm(*arguments: str, cwd: Path) -> str:
    """Run npm quietly; what it printed. Raises CannotBuildError."""
    found = shutil.which("npm")
    if found is None:
        raise CannotBuildError("npm is not installed")
    try:
        done = subprocess.run(
            [found, *arguments, "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=_NPM_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotBuildError(f"npm {arguments[0]} took longer than {_NPM_S} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise CannotBuildError(f"npm {arguments[0]} failed: {said[0] if said else done.returncode}")
    return done.stdout


def _swagger(_root: Path, into: Path) -> None:
    """The two files that the documentation page needs, as npm has them."""
    with tempfile.TemporaryDirectory() as work:
        name = npm("pack", f"swagger-ui-dist@{SWAGGER}", "--silent", cwd=Path(work)).split()[-1]
        with tarfile.open(Path(work) / name) as package:
            for wanted in ("swagger-ui.css", "swagger-ui-bundle.js", "LICENSE"):
                source = package.extractfile(f"package/{wanted}")
                if source is None:
                    raise CannotBuildError(f"swagger-ui-dist {SWAGGER} has no {wanted}")
                (into / wanted).write_bytes(source.read())


BUNDLES = (Bundle("swagger-ui", SWAGGER, _swagger),)


class CustomBuildHook(BuildHookInterface[Any]):
    """Makes the bundles before a wheel, an editable installation included, is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make what is missing or old."""
        if self.target_name != "wheel":
            return
        wish = os.environ.get("ROOST_BUILD_ASSETS", "")
        for bundle in BUNDLES if wish != "0" else ():
            try:
                build(Path(self.root), bundle)
            except (CannotBuildError, OSError, tarfile.TarError, KeyError) as error:
                if wish == "1":
                    raise
                self.app.display_warning(f"left out {bundle.name}: {error}")


def build(root: Path, bundle: Bundle) -> None:
    """Make a bundle, whole or not at all, unless it is there already."""
    target = root / ASSETS / bundle.name
    mark = target / ".stamp"
    if mark.is_file() and mark.read_text() == bundle.stamp:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{bundle.name}-") as work:
        fresh = Path(work) / bundle.name
        fresh.mkdir()
        bundle.make(root, fresh)
        (fresh / ".stamp").write_text(bundle.stamp)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
