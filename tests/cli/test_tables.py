"""Tables on a terminal, however wide it is: no number is cut, and what is left out is named."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import beautyspot as bs
import pytest
import time_machine
from beautyspot_cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]

HOUR = 490_000


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


@pytest.fixture
def at(
    store: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., list[str]]]:
    """The lines that a command writes to a terminal of so many columns, at one moment."""

    def at(columns: int, *words: str) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        return run(*words).stdout.splitlines()

    with time_machine.travel(time.time() + 100, tick=False):
        yield at


@pytest.mark.parametrize(
    "words", [["ls"], ["ls", "--rows"], ["stats"], ["stats", "--limits"]], ids=" ".join
)
def test_a_number_is_whole_at_any_width(at: Callable[..., list[str]], words: list[str]) -> None:
    whole = at(1000, *words)
    assert not any("\u2026" in line for line in whole)
    for columns in (20, 80, 140):
        for line, wide in zip(at(columns, *words), whole, strict=True):
            begin, is_cut, _ = line.partition("\u2026")
            assert wide.startswith(begin)
            assert (line == wide) is not bool(is_cut)


def test_arguments_take_the_room_that_is_left(at: Callable[..., list[str]]) -> None:
    whole = at(1000, "ls", "--rows")
    room = max(map(len, whole))
    for columns in (room - 1, room - 10):
        assert max(map(len, at(columns, "ls", "--rows"))) == columns
    least = max(map(len, at(20, "ls", "--rows")))
    assert whole[0][:least].endswith("ARGUMENTS")


def test_a_column_in_which_nothing_is_is_left_out(at: Callable[..., list[str]]) -> None:
    assert "FAILURES" in at(1000, "stats")[0]
    assert "FAILURES" not in at(1000, "stats", "limited:f")[0]


@pytest.mark.parametrize("char", ["\u8aad", "e\u0301", "\U0001f642"])
def test_columns_stand_below_each_other_whatever_a_text_is(
    char: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    wide = 2 if len(char) == 1 else 1
    Output().table(("A", "SIZE", "B"), [(char * 3, "1", char * 40), ("x", "1", "-")])
    heading, first, second = capsys.readouterr().out.splitlines()
    place = heading.index("SIZE") + 3
    assert second[place] == "1"
    assert first[place - 3 * (wide - 1) + (3 if wide == 1 else 0)] == "1"
    shown = first.partition("1  ")[2]
    assert shown == char * ((len(shown) - 1) // len(char)) + "\u2026"
