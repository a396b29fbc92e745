"""The table of defences: what in the sources keeps harm away, and which tests fail without it.

Each `.toml` beside this file holds a part of it. An entry's `old` is a text of a source file, as
short as tells it from all others, and `new` what stands in its place with the defence out: the
rest of the library has to go on working (`defending.CONTROL`). `fails` are patterns of tests, in
which `*` stands for any text: all that the pattern means fail.

A new test of faults gets its defence here; `python tests/defending.py WORD` shows what fails.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from defending import Defence, Edit

from defences.scope import EXEMPT, SCOPE

__all__ = ["DEFENCES", "EXEMPT", "PARTS", "SCOPE"]


def _read(path: Path) -> dict[str, Defence]:
    entries = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _defence(entry) for name, entry in entries.items()}


def _defence(entry: dict[str, Any]) -> Defence:
    edits = tuple(Edit(edit["file"], edit["old"], edit["new"]) for edit in entry["edits"])
    return Defence(entry["why"], edits, tuple(entry["fails"]))


PARTS = {path.stem: _read(path) for path in sorted(Path(__file__).parent.glob("*.toml"))}

DEFENCES = {name: defence for part in PARTS.values() for name, defence in part.items()}

assert len(DEFENCES) == sum(map(len, PARTS.values())), "two defences have one name"
