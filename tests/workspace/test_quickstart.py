"""The quick start's parts, on little; `.ci/run` runs the whole of it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from workspace.sources import ROOT


@pytest.fixture
def quickstart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The script as a module, with its cache in a folder of the test."""
    monkeypatch.chdir(tmp_path)
    path = ROOT / "docs" / "examples" / "quickstart.py"
    spec = importlib.util.spec_from_file_location("quickstart", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "quickstart", module)
    spec.loader.exec_module(module)
    yield module
    module.spot.shutdown()


def test_a_file_is_known_by_its_content(quickstart: Any, tmp_path: Path) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text('"""About one."""\nif x and y:\n    z = 1\n')
    two.write_text(one.read_text())
    module = quickstart.read(one)
    assert (module.lines, module.forks, module.summary) == (4, 2, "About one.")
    assert quickstart.read(two) == module
    assert quickstart.spot.stats()["hits"] == 1
    one.write_text("x = 1\n")
    assert quickstart.read(one) != module
    assert quickstart.spot.stats()["misses"] == 2
    assert quickstart.spot.stats()["errors"] == 0


def test_it_ends_by_naming_the_command_that_shows_it(
    quickstart: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quickstart.command() == "beautyspot ui"
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(quickstart, "find_spec", lambda name: None)
    install, _, named = quickstart.command().partition(" && ")
    assert named == "beautyspot ui"
    words = install.split()
    assert words[:4] == ["python", "-m", "pip", "install"]
    assert [(ROOT / name / "pyproject.toml").exists() for name in words[4:]] == [True, True]
