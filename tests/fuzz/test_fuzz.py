"""Every decoder for a few seconds under a coverage-guided fuzzer; `targets.py` runs them for longer by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="no wheel of the fuzzer for this interpreter")

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("target", ["server", "client", "frames", "keeper", "scanner"])
def test_a_decoder_survives_whatever_it_is_fed(target: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tests/fuzz/targets.py"),
            target,
            "-max_total_time=4",
            "-max_len=4096",
            "-timeout=5",
            "-rss_limit_mb=1024",
            f"-artifact_prefix={tmp_path}/",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "Done " in done.stderr, "the fuzzer did not run to its end"
