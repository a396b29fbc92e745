"""Tables on a terminal, however wide it is: no number is cut, and what is left out is named."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import beautyspot as bs
import pytest
import time_machine
from beautyspot_cli import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]

HOUR = 490_000
WIDTHS = (*range(80, 130, 3), *range(130, 201, 10))
NUMBERS = {"SIZE", "TOOK", "PRICE", "TAGS"}
TEXTS = {"ARGUMENTS", "FUNCTION"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a store of rows that have all columns, and with counts."""
    monkeypatch.chdir(tmp_path)
    with bs.Spot("app", config=False, price_unit="$") as spot:

        @spot.mark(
            name="shop:ask_model",
            version="v2",
            tags=("chat", "nightly"),
            price=lambda answer: 0.0442 if "one" in answer else 9.16e-5,
        )
        def ask(prompt: str) -> str:
            return f"An answer to {prompt!r}"

        for prompt in ("one, of many words that take much more room than there is", "two"):
            ask(prompt), ask(prompt)
        spot.metadata.add_counts(
            [
                bs.Counts("shop:ask_model", HOUR, 12_345, 4_567, 3, 7.5e6, 9e4, 12_345.678, 0.0442),
                bs.Counts("a_package.of.modules:Class.with_a_long_name_of_a_method", HOUR, 1, 1),
                bs.Counts("limited:f", HOUR, 4, 5, refusals=1_234),
            ]
        )
    return tmp_path


def shown(text: str) -> list[dict[str, str]]:
    """The rows of a table, by their headings."""
    heading, *lines = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
    assert len(heading) == len(set(heading))
    return [dict(zip(heading, line, strict=True)) for line in lines]


@pytest.fixture
def at(
    store: Path, on_terminal: Run, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Result]]:
    """Runs a command on a terminal of so many columns, at one moment."""

    def run(columns: int, *words: str) -> Result:
        monkeypatch.setenv("COLUMNS", str(columns))
        return on_terminal(*words)

    with time_machine.travel(time.time() + 100, tick=False):
        yield run


@pytest.mark.parametrize(
    "words",
    [["ls"], ["ls", "--rows"], ["stats"], ["stats", "--limits"], ["stats", "--by", "day"]],
    ids=" ".join,
)
def test_a_number_is_whole_at_any_width(at: Callable[..., Result], words: list[str]) -> None:
    whole = shown(at(1000, *words).stdout)
    for columns in WIDTHS:
        done = at(columns, *words)
        rows = shown(done.stdout)
        assert max(map(len, done.stdout.splitlines())) <= columns
        for row, wide in zip(rows, whole, strict=True):
            for name in row.keys() - TEXTS:
                assert row[name] == wide[name], columns
        missing = whole[0].keys() - rows[0].keys()
        said = re.findall(r"no room for (.*): a wider terminal", done.stderr)
        assert set(", ".join(said).split(", ")) - {""} == missing, columns


def test_arguments_give_way_first(at: Callable[..., Result]) -> None:
    whole = shown(at(1000, "ls", "--rows").stdout)
    assert whole[0].keys() >= {*NUMBERS, "KEY", "FUNCTION", "MADE", "VERSION", "ARGUMENTS"}
    shortened = []
    for columns in WIDTHS:
        row = shown(at(columns, "ls", "--rows").stdout)[1]
        assert row.keys() >= {*NUMBERS, "KEY", "FUNCTION"} - {"TAGS"}
        missing = whole[0].keys() - row.keys()
        shortened.append(row.get("ARGUMENTS", "").endswith("…"))
        if missing:
            assert row.get("ARGUMENTS", "…").endswith("…"), "whole columns go later"
    assert any(shortened)
    last = shown(at(200, "ls", "--rows").stdout)[1]
    assert last == whole[1]


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("読む", 4), ("e\u0301", 1), ("", 0), ("🙂", 2)]
)
def test_how_wide_a_text_is(text: str, columns: int) -> None:
    assert tables.width_of(text) == columns
    assert tables.cut(text, columns) == text
    assert tables.width_of(tables.cut(text * 5, 3)) <= 3
