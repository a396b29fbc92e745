"""The plug-in guide in core's README: its example works, and what its table names exists."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest
from workspace.sources import ROOT

TEXT = (ROOT / "beautyspot-core" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def named(name: str) -> str:
    """The Python block that starts with a comment of that file name."""
    return next(text for language, text in BLOCKS if text.startswith(f"# {name}\n"))


@pytest.fixture
def folder_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """The guide's plug-in, imported."""
    for name in ("beautyspot_folder.py", "test_folder.py"):
        (tmp_path / name).write_text(named(name))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return importlib.import_module("beautyspot_folder")


def test_the_example_stores_blobs(folder_plugin: object, tmp_path: Path) -> None:
    import beautyspot as bs

    place = tmp_path / "data"
    with bs.Spot("app", plugins=[folder_plugin], storage=f"folder://{place}", strict=True) as spot:
        twice = spot.mark(save_blob=True)(lambda text: text * 2)
        assert twice("ab") == twice("ab") == "abab"
        assert spot.stats()["hits"] == 1
    assert len(list(place.iterdir())) == 1


def test_the_example_is_a_subclass_of_the_suite(folder_plugin: object) -> None:
    from beautyspot_testing.storage import StorageContract

    suite = importlib.import_module("test_folder")
    assert issubclass(suite.TestFolderStorage, StorageContract)


def test_the_project_file_has_the_group() -> None:
    [text] = [text for language, text in BLOCKS if language == "toml"]
    assert "beautyspot" in tomllib.loads(text)["project"]["entry-points"]


def test_the_table_names_what_is_there() -> None:
    rows = re.findall(r"^\| [\w ]+ \| `(\w+)` \| `(\w+)` \| `(\w+)\.(\w+)` \|$", TEXT, re.MULTILINE)
    assert len(rows) == 6
    import beautyspot
    from beautyspot import hookspecs

    for hook, base, module, suite in rows:
        assert hasattr(hookspecs, hook)
        assert hasattr(beautyspot, base)
        assert hasattr(importlib.import_module(f"beautyspot_testing.{module}"), suite)
