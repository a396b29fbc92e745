"""The notebook's cells in IPython: what runs again after an edit, and after a new start."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import pytest
from recipes.data.conftest import Copied
from workspace.sources import ROOT

pytest.importorskip("IPython")

DRIVER = """
import json, os, pathlib
os.environ["IPYTHONDIR"] = os.path.abspath("ipython")
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
for session in json.loads(pathlib.Path("cells.json").read_text()):
    print("session")
    for source in session:
        shell.run_cell(source, store_history=True).raise_error()
"""
PAGE = (ROOT / "docs" / "recipes" / "notebook.md").read_text(encoding="utf-8")
CELLS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[:3]


def edited(*changes: tuple[str, str]) -> list[str]:
    """All cells, with something else in one place each."""
    cells = "\0".join(CELLS)
    for old, new in changes:
        assert cells.count(old) == 1, old
        cells = cells.replace(old, new)
    return cells.split("\0")


def ran(copied: Copied, runs: Iterable[list[str]]) -> list[list[str]]:
    """What each run of the cells computed, all in one kernel, in the order of the calls."""
    (copied.folder / "cells.json").write_text(json.dumps([*runs]))
    (copied.folder / "driver.py").write_text(DRIVER)
    said = "\n".join(copied.run("driver.py")).split("session")[1:]
    return [re.findall(r"^(\w+) runs$", each, re.MULTILINE) for each in said]


MEASURE = ("size=1000", "size=999")
SMOOTH = ("np.ones(WIDTH) / WIDTH", "np.full(WIDTH, 1 / WIDTH)")
COMMENT = ("    return float(smooth(", "    # the highest\n    return  float(smooth(")


def test_an_edit_runs_what_it_concerns(copied: Copied) -> None:
    both, peaks = ["peak", "measure"] * 3, ["peak"] * 3
    table = [
        (edited(), both),
        (edited(), []),
        (edited(COMMENT), []),
        (edited(MEASURE), both),
        (edited(), []),
        (edited(SMOOTH), peaks),
        (edited(("WIDTH = 5", "WIDTH = 7")), peaks),
        (edited(("range(3)", "range(4)")), both[:2]),
        (edited(('@spot.mark(version="auto")', "@spot.mark")), peaks),
        (edited(('@spot.mark(version="auto")', "@spot.mark"), SMOOTH), []),
    ]
    assert ran(copied, [cells for cells, _ in table]) == [computed for _, computed in table]
    assert ran(copied, [edited(), edited(MEASURE)]) == [[], []], "another kernel finds it all"
