"""What the build brings in: made whole or not at all, made once, and never a reason why an installation fails."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def hatch_build(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The build hook, without hatchling: that is only there while a build runs."""
    interface = types.ModuleType("hatchling.builders.hooks.plugin.interface")

    class BuildHookInterface:
        def __class_getitem__(cls, _item: object) -> type:
            return cls

    interface.BuildHookInterface = BuildHookInterface  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = importlib.util.spec_from_file_location("hatch_build_in_test", ROOT / "hatch_build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


class App:
    """Where a hook says something."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def display_warning(self, text: str) -> None:
        self.warnings.append(text)


def hook(module: Any, root: Path, target: str = "wheel") -> Any:
    """A hook of a build below `root`."""
    made = module.CustomBuildHook()
    made.root, made.target_name, made.app = str(root), target, App()
    return made


def bundle(module: Any, make: Any, stamp: str = "1") -> Any:
    """A bundle called `page`."""
    return module.Bundle("page", lambda _root: stamp, make)


def writes(_root: Path, into: Path) -> None:
    """Makes a bundle of one file."""
    (into / "index.html").write_text("made")


def fails(module: Any) -> Any:
    """What cannot make its bundle, and has begun to."""

    def make(_root: Path, into: Path) -> None:
        (into / "half").write_text("half")
        raise module.CannotBuildError("npm ci failed: no network")

    return make


def test_a_bundle_is_made_once_for_the_same_sources(hatch_build: Any, tmp_path: Path) -> None:
    made: list[str] = []

    def make(root: Path, into: Path) -> None:
        made.append("")
        writes(root, into)

    for stamp in ("1", "1", "2"):
        hatch_build.build(tmp_path, bundle(hatch_build, make, stamp))
    assert len(made) == 2
    assert (tmp_path / hatch_build.ASSETS / "page/index.html").read_text() == "made"


def test_one_that_cannot_be_made_is_left_out_and_said_so(
    hatch_build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROOST_BUILD_ASSETS", raising=False)
    monkeypatch.setattr(hatch_build, "BUNDLES", (bundle(hatch_build, fails(hatch_build)),))
    building = hook(hatch_build, tmp_path)
    building.initialize("standard", {})
    assert building.app.warnings == ["left out page: npm ci failed: no network"]
    assert list((tmp_path / hatch_build.ASSETS).iterdir()) == []


def test_a_failure_leaves_what_was_made_before(hatch_build: Any, tmp_path: Path) -> None:
    hatch_build.build(tmp_path, bundle(hatch_build, writes))
    with pytest.raises(hatch_build.CannotBuildError):
        hatch_build.build(tmp_path, bundle(hatch_build, fails(hatch_build), "2"))
    assert [path.name for path in (tmp_path / hatch_build.ASSETS).iterdir()] == ["page"]
    assert (tmp_path / hatch_build.ASSETS / "page/index.html").is_file()


def test_it_can_be_insisted_on_and_forgone(hatch_build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hatch_build, "BUNDLES", (bundle(hatch_build, fails(hatch_build)),))
    monkeypatch.setenv("ROOST_BUILD_ASSETS", "1")
    with pytest.raises(hatch_build.CannotBuildError):
        hook(hatch_build, tmp_path).initialize("standard", {})
    monkeypatch.setenv("ROOST_BUILD_ASSETS", "0")
    forgone = hook(hatch_build, tmp_path)
    forgone.initialize("standard", {})
    assert forgone.app.warnings == []


def test_a_source_distribution_has_no_bundles(hatch_build: Any, tmp_path: Path) -> None:
    building = hook(hatch_build, tmp_path, "sdist")
    building.initialize("standard", {})
    assert building.app.warnings == []
    assert not (tmp_path / hatch_build.ASSETS).exists()


def test_without_node_and_network_the_reason_is_named(
    hatch_build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(hatch_build.sys, "executable", "/bin/false")
    with pytest.raises(hatch_build.CannotBuildError, match="npm is not installed, and node's wheel cannot be had"):
        hatch_build.npm("ci", cwd=tmp_path)


def test_the_pages_sources_decide_when_it_is_made_anew(hatch_build: Any, tmp_path: Path) -> None:
    (tmp_path / "web/node_modules/x").mkdir(parents=True)
    (tmp_path / "web/page.ts").write_text("1")
    before = hatch_build._web_sources(tmp_path)
    (tmp_path / "web/node_modules/x/y").write_text("brought in")
    assert hatch_build._web_sources(tmp_path) == before
    (tmp_path / "web/page.ts").write_text("2")
    assert hatch_build._web_sources(tmp_path) != before


@pytest.mark.parametrize(
    ("said", "called"), [("", ["cc"]), ("clang", ["clang"]), ("ccache gcc -m64", ["ccache", "gcc", "-m64"])]
)
def test_the_compiler_is_called_as_cc_says(
    hatch_build: Any, monkeypatch: pytest.MonkeyPatch, said: str, called: list[str]
) -> None:
    monkeypatch.setattr(hatch_build.shutil, "which", lambda name: name)
    monkeypatch.setenv("CC", said)
    assert hatch_build._compiler() == called


def test_a_cc_that_is_no_command_leaves_the_pump_out(hatch_build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "'gcc")
    with pytest.raises(hatch_build.CannotBuildError, match="CC is no command"):
        hatch_build._compiler()
