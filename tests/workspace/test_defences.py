"""Every test against faults was seen to fail with its defence taken out, and is again when asked.

The ordinary run only holds that the table is alive and whole. `pytest -m slow` takes out one
defence after the other, half an hour long; `python tests/defending.py WORD` shows what tests say.
"""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from defences import DEFENCES, EXEMPT, SCOPE
from defending import CONTROL, ROOT, Copy, check_anchor, claims, edited

if TYPE_CHECKING:
    from collections.abc import Iterator


@functools.cache
def collected() -> tuple[str, ...]:
    """The tests in the files that the table speaks of."""
    patterns = [*SCOPE, *(pattern for defence in DEFENCES.values() for pattern in defence.fails)]
    files = sorted({f"tests/{pattern.partition('::')[0]}" for pattern in patterns})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(line for line in done.stdout.splitlines() if "::" in line)


def test_each_defence_is_where_the_table_says() -> None:
    for defence in DEFENCES.values():
        assert defence.edits
        for edit in defence.edits:
            check_anchor(edit)
            assert edit.new != edit.old


def test_without_a_defence_the_source_is_python_still() -> None:
    """Else all of a test's programs would fail, and nothing be said about the defence."""
    for defence in DEFENCES.values():
        for file, text in edited(defence).items():
            compile(text, file, "exec", dont_inherit=True)


def test_each_pattern_means_a_test() -> None:
    patterns = [*SCOPE, *EXEMPT, *CONTROL]
    patterns += [pattern for defence in DEFENCES.values() for pattern in defence.fails]
    empty = [pattern for pattern, nodes in claims(patterns, collected()).items() if not nodes]
    assert empty == []


def test_each_test_has_a_defence() -> None:
    """A test that no defence's absence makes fail is a test that can't fail."""
    nodes = collected()

    def meant(patterns: Iterator[str]) -> set[str]:
        return {node for found in claims(patterns, nodes).values() for node in found}

    claimed = meant(pattern for defence in DEFENCES.values() for pattern in defence.fails)
    exempt = meant(iter([*EXEMPT, *CONTROL]))
    without = sorted(meant(iter(SCOPE)) - claimed - exempt)
    assert without == [], "take out what they guard, in an entry of tests/defences"
    assert sorted(claimed & exempt) == [], "no longer exempt"


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("defences"))


@pytest.mark.slow
@pytest.mark.parametrize("name", DEFENCES)
def test_without_a_defence_its_tests_fail(copy: Copy, name: str) -> None:
    defence = DEFENCES[name]
    outcomes = copy.without(defence)
    tests = outcomes.within(defence.fails)
    control = outcomes.within(CONTROL)
    assert control.passed, f"nothing ran:\n{outcomes.said[-3000:]}"
    assert control.failed == {}, "the edit takes out more than a defence"
    passed = tests.passed
    if passed:  # on a busy machine what a test is to meet may be over before: once more, alone
        alone = tuple(node.removeprefix("tests/") for node in passed)
        passed = copy.without(defence._replace(fails=alone)).within(alone).passed
    assert sorted(passed) == [], "these pass without their defence"
    if not tests.failed:
        pytest.skip("what its tests need is not here")
