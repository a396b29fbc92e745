"""Takes a defence out of a copy of the members, and runs the tests that must fail without it.

`defences.toml` says which and how; by hand, for the entries whose names hold a word:

    python tests/defending.py [WORD ...]
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import venv
from pathlib import Path
from typing import NamedTuple

from edits import without

TESTS = Path(__file__).resolve().parent
SOURCES = [member / "src" for member in sorted(TESTS.parent.glob("beautyspot-*"))]
PATIENCE = 20.0  # seconds for one test; some hang for good without their defence

CONTROL = """
import beautyspot as bs, tempfile
with tempfile.TemporaryDirectory() as folder:
    with bs.Spot("control", config=False, directory=folder, limiter="600/min") as spot:
        twice = spot.mark(spot.limiter(lambda text: text * 2))
        assert twice("ab") == twice("ab") == "abab"
        assert spot.stats()["hits"] == 1
"""
"""What works without any single defence: an edit that breaks this takes out more than one."""


class Defence(NamedTuple):
    """An entry: where it is (a qualified name), how it is taken out, which tests fail then."""

    name: str
    at: str
    kind: str  # one of `edits.KINDS`
    what: str
    fails: list[str]


def read(path: Path = TESTS / "defences.toml") -> dict[str, Defence]:
    """All entries, by name."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _entry(name, **entry) for name, entry in table.items()}


def _entry(name: str, at: str, fails: list[str], **change: str) -> Defence:
    [(kind, what)] = change.items()
    return Defence(name, at, kind, what, fails)


def edited(defence: Defence) -> tuple[Path, str]:
    """The file that has the defence, below its `src`, and its text without it.

    Raises:
        LookupError: the place is not there exactly once.
    """
    file, path = _module(defence.at)
    (source,) = [sources / file for sources in SOURCES if (sources / file).exists()]
    text = source.read_text(encoding="utf-8")
    try:
        return file, without(text, path, defence.kind, defence.what)
    except LookupError as exc:
        raise LookupError(f"{defence.name}: {defence.at}: {exc}") from None


def _module(at: str) -> tuple[Path, list[str]]:
    """The file of the longest module that a qualified name starts with, and what is left of it."""
    parts = at.split(".")
    for length in range(len(parts), 0, -1):
        stem = Path(*parts[:length])
        for file in (stem.with_suffix(".py"), stem / "__init__.py"):
            if any((sources / file).exists() for sources in SOURCES):
                return file, parts[length:]
    raise LookupError(f"there is no module of {at}")


class Copy:
    """A copy of the members, with an interpreter that sees it, and then this one's packages."""

    def __init__(self, place: Path) -> None:
        self._src = place / "src"
        for sources in SOURCES:
            shutil.copytree(sources, self._src, dirs_exist_ok=True)
        venv.create(place / "env", symlinks=True)
        self._python = place / "env" / "bin" / "python"
        bases = {"base": str(place / "env"), "platbase": str(place / "env")}
        site = Path(sysconfig.get_path("purelib", vars=bases))
        # As a line of a path file, so that the editable members in that folder stay unseen.
        (site / "copy.pth").write_text(f"{self._src}\n{sysconfig.get_path('purelib')}\n")

    def without(self, defence: Defence) -> dict[str, str]:
        """By test how it ended without the defence: "passed", "failed", "hung" or what it said."""
        file, text = edited(defence)
        original = (self._src / file).read_text(encoding="utf-8")
        (self._src / file).write_text(text, encoding="utf-8")
        try:
            return {"control": self._run("-c", CONTROL)} | {
                test: self._run("-m", "pytest", "-qx", "-n0", "-pno:cacheprovider", "-m", "", test)
                for test in defence.fails
            }
        finally:
            (self._src / file).write_text(original, encoding="utf-8")

    def _run(self, *arguments: str) -> str:
        with tempfile.TemporaryFile("w+") as log:
            program = subprocess.Popen(
                [self._python, *arguments], cwd=TESTS, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
            try:
                code = program.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                return "hung"
            finally:
                os.killpg(program.pid, signal.SIGKILL) if program.poll() is None else None
                program.wait()
            log.seek(0)
            return {0: "passed", 1: "failed"}.get(code, f"ended with {code}: {log.read()[-2000:]}")


def main(words: list[str]) -> None:
    """Take the defences out, one after the other, and say how each test ended."""
    with tempfile.TemporaryDirectory(prefix="defences-") as place:
        copy = Copy(Path(place))
        for name, defence in read().items():
            if not words or any(word in name for word in words):
                print(f"\n{name}: {defence.at}, {defence.kind} {defence.what}")
                for test, ended in copy.without(defence).items():
                    print(f"    {ended}: {test}")


if __name__ == "__main__":
    main(sys.argv[1:])
