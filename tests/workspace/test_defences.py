"""The table of defences is alive; the tests it names fail without them (that part is slow)."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest
from defending import TESTS, Copy, Defence, edited, read

DEFENCES = read()

_DEFINED = re.compile(r"^ *(?:class|def|async def) (\w+)", re.MULTILINE)


@functools.cache
def defined(path: Path) -> set[str]:
    """The names of all classes and functions of a file."""
    return set(_DEFINED.findall(path.read_text(encoding="utf-8")))


_CORE = TESTS.parent / "beautyspot-core" / "src" / "beautyspot"
SUITES = {name for path in (_CORE / "testing").glob("*.py") for name in defined(path)}
"""Tests that a class inherits from a contract suite are in no file of ours."""


@pytest.mark.parametrize("defence", DEFENCES.values(), ids=DEFENCES)
def test_each_defence_is_where_the_table_says(defence: Defence) -> None:
    file, text = edited(defence)
    compile(text, file, "exec", dont_inherit=True)


def test_each_defence_has_tests() -> None:
    assert [name for name, one in DEFENCES.items() if not 1 <= len(one.fails) <= 3] == []
    for test in {test for defence in DEFENCES.values() for test in defence.fails}:
        file, *names = test.partition("[")[0].split("::")
        assert {*names} <= defined(TESTS / file) | SUITES, test


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(Path(tmp_path_factory.mktemp("defences")))


@pytest.mark.slow
@pytest.mark.parametrize("defence", DEFENCES.values(), ids=DEFENCES)
def test_without_a_defence_its_tests_fail(copy: Copy, defence: Defence) -> None:
    ended = copy.without(defence)
    assert ended.pop("control") == "passed", "the edit takes out more than a defence"
    assert {test: how for test, how in ended.items() if how not in ("failed", "hung")} == {}
