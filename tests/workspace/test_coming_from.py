"""What the pages for those who come from other libraries say of these is tried with them.

Blocks of the others are fenced as ``py``, those of beautyspot as ``python``, which `test_docs` runs
without the others. Here a page runs as a whole, where its library is installed: `.ci/run --full`
brings them all.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from workspace.sources import ROOT
from workspace.test_docs import environment, laid_out

PAGES = {path.stem: path for path in sorted((ROOT / "docs" / "coming-from").glob("[!i]*.md"))}
NEEDS = {
    "cachier": ["cachier"],
    "diskcache": ["diskcache"],
    "joblib": ["joblib", "numpy"],
    "langchain": ["langchain_core", "langchain_community"],
    "lru-cache": [],
    "requests-cache": ["requests_cache"],
}
PINNED = (ROOT / "requirements" / "coming-from.txt").read_text()


def test_every_page_is_tried() -> None:
    assert NEEDS.keys() == PAGES.keys()


@pytest.mark.parametrize("name", PAGES)
def test_what_is_said_of_the_other_library_holds(name: str, tmp_path: Path) -> None:
    if lacking := [one for one in NEEDS[name] if importlib.util.find_spec(one) is None]:
        pytest.skip(f"needs {', '.join(lacking)}, of requirements/coming-from.txt")
    text = PAGES[name].read_text().replace("```py\n", "```python\n")
    blocks = laid_out(text, tmp_path)
    (tmp_path / "program.py").write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [*PAGES, "../comparison"])
def test_the_versions_that_are_named_are_those_that_were_tried(name: str) -> None:
    text = (ROOT / "docs" / "coming-from" / f"{name}.md").read_text()
    named = re.findall(r"\b([a-z][a-z-]+) (\d+\.\d+\.\d+)\b", text)
    assert named or name == "lru-cache"
    assert [one for one in named if "==".join(one) not in PINNED.splitlines()] == []
