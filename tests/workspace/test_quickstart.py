"""The quick start's parts, on little; `.ci/run` runs the whole of it."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

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


def test_the_picture_is_sound_and_has_a_tile_a_module(quickstart: Any) -> None:
    one = quickstart.Module(lines=90, names=5, forks=20, density=0.3, summary="")
    two = quickstart.Module(lines=10, names=5, forks=0, density=0.3, summary="")
    picture = quickstart.draw({"large": one, "small": two, "other": two})
    assert picture == quickstart.draw({"large": one, "small": two, "other": two})
    tiles = ET.fromstring(picture).findall("{http://www.w3.org/2000/svg}g")
    assert len(tiles) == 3
    [blob] = quickstart.spot.storage.list()
    assert blob.location.endswith(".svg")
    assert quickstart.spot.stats()["hits"] == 1


def test_the_questions_are_counted(quickstart: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert asyncio.run(quickstart.ask_all(["one two", "syllables"])) == 6
    told = capsys.readouterr().err
    assert "count_syllables: 2 done" in told
    assert "2 runs" in told


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
