"""What the page for those who come from other libraries says of these is tried with them.

Blocks of the others are fenced as ``py``, those of beautyspot as ``python``, which `test_docs` runs
without the others. Here each section runs, behind what stands before the first one, where its
library is installed: `.ci/run --full` brings them all.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.local_http import LocalHandler, LocalHTTPServer
from workspace.sources import ROOT
from workspace.test_docs import environment, laid_out

PAGES = {name: ROOT / "docs" / f"{name}.md" for name in ("coming-from", "comparison")}
PINNED = (ROOT / "requirements" / "coming-from.txt").read_text()

START, *_SECTIONS = re.split(r"^## ", PAGES["coming-from"].read_text(), flags=re.MULTILINE)
SECTIONS = {section.partition("\n")[0]: section for section in _SECTIONS}
NEEDS = {
    "`functools.lru_cache`": [],
    "`joblib.Memory`": ["joblib", "numpy"],
    "diskcache": ["diskcache"],
    "cachier": ["cachier"],
    "LangChain's caches": ["langchain_core", "langchain_community"],
    "requests-cache": ["requests_cache"],
}

MIXED_UP = """
def multiplier(factor):
    @{decorator}
    def times(x):
        return factor * x
    return times

assert (multiplier(3)(5), multiplier(4)(5)) == (15, 15)
"""
"""Three libraries take two local functions of one name for one."""

MORE = {
    "`joblib.Memory`": MIXED_UP.format(decorator="memory.cache"),
    "diskcache": MIXED_UP.format(decorator="cache.memoize()"),
    "cachier": MIXED_UP.format(decorator="cachier(cache_dir='folder')"),
    "requests-cache": "assert spot.peek(fetch, '{url}/Oslo').value.json() == {{'degrees': 21}}",
}


class Site(LocalHandler):
    """What requests-cache has asked for."""

    def do_GET(self) -> None:
        self.send(200, b'{"degrees": 21}', {"Content-Type": "application/json"})


@pytest.fixture
def url() -> Iterator[str]:
    with LocalHTTPServer(Site) as server:
        yield server.url


def test_every_section_is_tried() -> None:
    assert NEEDS.keys() == SECTIONS.keys()


@pytest.mark.parametrize("name", SECTIONS)
def test_what_is_said_of_the_other_library_holds(name: str, tmp_path: Path, url: str) -> None:
    if lacking := [one for one in NEEDS[name] if importlib.util.find_spec(one) is None]:
        pytest.skip(f"needs {', '.join(lacking)}, of requirements/coming-from.txt")
    text = (START + SECTIONS[name]).replace("```py\n", "```python\n")
    blocks = [*laid_out(text, tmp_path), MORE.get(name, "").format(url=url)]
    if name == "requests-cache":
        stored = f"CachedSession('folder/http').get('{url}/Oslo').raise_for_status()"
        blocks.insert(0, f"from requests_cache import CachedSession\n{stored}")
    (tmp_path / "program.py").write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", PAGES)
def test_the_versions_that_are_named_are_those_that_were_tried(name: str) -> None:
    named = re.findall(r"\b([a-z][a-z-]+) (\d+\.\d+\.\d+)\b", PAGES[name].read_text())
    assert named
    assert [one for one in named if "==".join(one) not in PINNED.splitlines()] == []
