"""Run tests against a copy of the members' sources with a defence taken out of it.

The copy has an interpreter of its own (a virtual environment that sees the copy, and then the
packages of this one), so that the programs that tests start import the copy as well. By hand, for
all defences or for those whose names hold a word, with what each test said:

    python tests/defending.py [WORD ...]
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[1]
MEMBERS = ("beautyspot-core", "beautyspot-local", "beautyspot-s3")

ORDERS = "DEFENDING_ORDERS"
"""The environment variable that names the file with the orders for `defended`."""

LIMIT = 15.0
"""Seconds that a test may take with a defence out; then it counts as failed."""

HUNG = "it hung for good, or ended the interpreter"

PATIENCE = 0.5
"""Seconds after which the backends of `faults` let go of who waits for them."""

CONTROL = (
    "core/resilience/test_fault_matrix.py::test_without_a_fault[*]",
    "core/resilience/test_fault_places.py::test_without_a_fault[*]",
)
"""What works with any defence out: an edit that breaks this takes out more than a defence."""


class Edit(NamedTuple):
    """A text of a source file, and what stands in its place where the defence is out."""

    file: str  # below the members' src folders, as in "beautyspot/results/cache.py"
    old: str
    new: str


class Defence(NamedTuple):
    """Something in the sources that keeps harm away."""

    why: str
    edits: tuple[Edit, ...]
    fails: tuple[str, ...]  # patterns of the tests that fail without it: see `claims`


def source_of(file: str) -> Path:
    """Where a module's source is."""
    (found,) = [path for member in MEMBERS if (path := ROOT / member / "src" / file).exists()]
    return found


def check_anchor(edit: Edit) -> None:
    """Refuse an edit whose text is not there exactly once.

    Raises:
        LookupError: says which; the code has moved on.
    """
    times = source_of(edit.file).read_text(encoding="utf-8").count(edit.old)
    if times != 1:
        raise LookupError(
            f"{edit.file} has the anchor {edit.old!r} {times} times, not once: mend the entry in "
            "tests/defences, and see its tests fail: python tests/defending.py NAME"
        )


def edited(defence: Defence) -> dict[str, str]:
    """By file the source without the defence."""
    texts = {edit.file: source_of(edit.file).read_text(encoding="utf-8") for edit in defence.edits}
    for edit in defence.edits:
        texts[edit.file] = texts[edit.file].replace(edit.old, edit.new)
    return texts


def claims(patterns: Iterable[str], nodes: Iterable[str]) -> dict[str, list[str]]:
    """By pattern the tests that it means; `*` stands for any text, all else for itself."""
    nodes = list(nodes)
    found = {}
    for pattern in patterns:
        text = ".*".join(map(re.escape, pattern.split("*")))
        matches = re.compile(rf"(?:tests/)?{text}", re.DOTALL).fullmatch
        found[pattern] = [node for node in nodes if matches(node)]
    return found


class Outcomes(NamedTuple):
    """What became of the tests, by node; of those that failed what they said."""

    passed: set[str]
    failed: dict[str, str]
    said: str  # all that pytest said

    @property
    def hung(self) -> set[str]:
        """Those that ended the run, since nothing else would have ended them."""
        return {node for node, text in self.failed.items() if text == HUNG}

    def within(self, patterns: Iterable[str]) -> Outcomes:
        """Those that the patterns mean."""
        nodes = [*self.passed, *self.failed]
        meant = {node for found in claims(patterns, nodes).values() for node in found}
        failed = {node: text for node, text in self.failed.items() if node in meant}
        return Outcomes(self.passed & meant, failed, self.said)


class Copy:
    """A copy of the sources that can be edited, with its interpreter."""

    def __init__(self, place: Path) -> None:
        self.place = place.resolve()
        self.sources = self.place / "src"
        for member in MEMBERS:
            shutil.copytree(ROOT / member / "src", self.sources, dirs_exist_ok=True)
        self._make_interpreter()

    def _make_interpreter(self) -> None:
        home = self.place / "venv"
        venv.create(home, symlinks=True)
        self.python = home / "bin" / "python"
        packages = sysconfig.get_path("purelib")
        site = sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)})
        # A path file names the packages' folder as it is: the editable members in it stay unseen.
        Path(site, "copy.pth").write_text(f"{self.sources}\n{packages}\n", encoding="utf-8")

    def without(self, defence: Defence, *, timeout: float = 900.0) -> Outcomes:
        """What becomes of the defence's tests, and of the control, without it."""
        for edit in defence.edits:
            check_anchor(edit)
        try:
            for file, text in edited(defence).items():
                (self.sources / file).write_text(text, encoding="utf-8")
            return self.run([*CONTROL, *defence.fails], timeout=timeout)
        finally:
            for edit in defence.edits:
                shutil.copyfile(source_of(edit.file), self.sources / edit.file)

    def run(self, patterns: Iterable[str], *, timeout: float) -> Outcomes:
        """Run the tests that the patterns mean, against the copy."""
        deadline = time.monotonic() + timeout
        patterns = list(patterns)
        files = sorted({f"tests/{pattern.partition('::')[0]}" for pattern in patterns})
        outcomes = self.place / "outcomes.jsonl"
        outcomes.write_text("")
        done = Outcomes(set(), {}, "")
        while True:
            orders = {
                "copy": str(self.sources),
                "patterns": patterns,
                "done": [*done.passed, *done.failed],
                "outcomes": str(outcomes),
                "limit": LIMIT,
                "patience": PATIENCE,
            }
            (self.place / "orders.json").write_text(json.dumps(orders), encoding="utf-8")
            said = self._perform(["-q", *files], max(1.0, deadline - time.monotonic()))
            before, done = done.hung, _read(outcomes, said)
            if done.hung == before or time.monotonic() > deadline:
                return done

    def _perform(self, arguments: list[str], timeout: float) -> str:
        plugins = ["-pdefended", "-pno:cacheprovider", "-pno:xdist", "-pno:cov"]
        orders = {ORDERS: str(self.place / "orders.json"), "PYTHONPATH": str(ROOT / "tests")}
        log = self.place / "log.txt"
        with log.open("wb") as file:
            program = subprocess.Popen(
                [str(self.python), "-m", "pytest", *plugins, *arguments],
                cwd=ROOT,
                env=os.environ | orders,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                with suppress(subprocess.TimeoutExpired):
                    program.wait(timeout)
            finally:
                _kill_all(program)
        return log.read_text(encoding="utf-8", errors="replace")


def _kill_all(program: subprocess.Popen[bytes]) -> None:
    """The program, and what it started and left."""
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def _read(outcomes: Path, said: str) -> Outcomes:
    failed: dict[str, str] = {}
    seen: dict[str, str] = {}
    skipped: set[str] = set()
    for line in outcomes.read_text(encoding="utf-8").splitlines():
        node, when, outcome, text = json.loads(line)
        seen[node] = when
        if outcome == "failed":
            failed.setdefault(node, f"{when}: {text}")
        elif outcome == "skipped":
            skipped.add(node)
    for node, when in seen.items():
        if when != "teardown":
            failed.setdefault(node, HUNG)
    return Outcomes(set(seen) - skipped - set(failed), failed, said)


def main(words: list[str]) -> None:
    """Take the defences out, one at a time, and show what each test says."""
    from defences import DEFENCES

    with tempfile.TemporaryDirectory(prefix="defences-") as place:
        copy = Copy(Path(place))
        for name, defence in DEFENCES.items():
            if words and not any(word in name for word in words):
                continue
            outcomes = copy.without(defence)
            found = outcomes.within(defence.fails)
            print(f"\n=== {name}: {len(found.failed)} failed, {len(found.passed)} passed")
            for node, text in sorted(found.failed.items()):
                print(f"--- {node}\n{text}")
            for node in sorted(found.passed):
                print(f"+++ {node} PASSED without the defence")
            for node, text in sorted(outcomes.within(CONTROL).failed.items()):
                print(f"!!! {node} FAILED, though it has no fault\n{text}")


if __name__ == "__main__":
    main(sys.argv[1:])
