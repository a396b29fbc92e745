"""Programs of the recipes in a folder, where a reader edits them and runs them again."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from forked import Forking
from workspace.sources import ROOT

_HEAVY = re.compile(r"^(?:from|import) (pandas|numpy)\b", re.MULTILINE)


@dataclass
class Copied:
    """What a reader has copied into a folder.

    Attributes:
        folder: where it is, and where it runs.
    """

    folder: Path
    forking: Forking

    def copy(self, name: str) -> None:
        """Take a program from `docs/recipes`."""
        program = ROOT / "docs" / "recipes" / name
        (self.folder / name).write_text(program.read_text(encoding="utf-8"), encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Write something else in one place."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} should stand once in {name}"
        (self.folder / name).write_text(text.replace(old, new), encoding="utf-8")

    def run(self, name: str) -> list[str]:
        """Run it to its end, without a warning; gives the lines that it prints."""
        modules = _HEAVY.findall((self.folder / name).read_text(encoding="utf-8"))
        done = self.forking.run(name, self.folder, self.environment(), modules=modules)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout.splitlines()

    def ran(self, name: str) -> list[str]:
        """Of what it prints what ran: "x runs", also where threads print into one line."""
        printed = re.findall(r"(\S+) runs", "\n".join(self.run(name)))
        return [name.removeprefix("runs") for name in printed]

    @staticmethod
    def environment() -> dict[str, str]:
        """Nobody else's settings."""
        return {name: value for name, value in os.environ.items() if name[:10] != "BEAUTYSPOT"}


@pytest.fixture
def copied(tmp_path: Path, forking: Forking) -> Copied:
    return Copied(tmp_path, forking)
