"""The traces of the manual's pipeline are those that the program prints, but for the times."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from workspace.sources import ROOT

OUTPUT = re.compile(r"<!-- output: traces.py -->\n```text\n(.*?)```", re.DOTALL)


def without_times(text: str) -> list[str]:
    return [re.sub(r" +\d+ ms", " - ms", line) for line in text.splitlines()]


def test_the_pipeline_prints_what_the_page_shows(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "observing.md").read_text(encoding="utf-8")
    program = ROOT / "docs" / "examples" / "traces.py"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BEAUTYSPOT")}
    shown = OUTPUT.findall(page)
    assert len(shown) == 2
    for text in shown:
        done = subprocess.run(
            [sys.executable, "-W", "error", program], cwd=tmp_path, env=clean,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stderr == ""
        assert without_times(done.stdout) == without_times(text)
