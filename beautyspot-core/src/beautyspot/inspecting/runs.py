"""Results of one function as a table, sorted and filtered by what went in and what came out."""

from __future__ import annotations

import csv
import operator
import re
from io import StringIO
from itertools import chain, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.errors import ConfigError
from beautyspot.inspecting.columns import arguments_of, cell_in
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from beautyspot.contracts import TaskRecord
    from beautyspot.inspecting.columns import Cell

    Fields = Callable[[Sequence[TaskRecord]], Sequence[Mapping[str, Cell]]]
    """Decodes rows that have their data: the fields of each, by name."""

    Told = Callable[[Sequence[TaskRecord]], Mapping[str, Mapping[str, Cell]]]
    """The same of rows without their data; by key, and only of results that have fields."""

ROW: Final = ("key", "made", "took", "price", "version", "size")
"""The columns that are of the row, where no argument has the name."""

_row_cells: Final = attrgetter("cache_key", "updated_at", "took", "price", "version", "size")

_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_CONDITION: Final = re.compile(r"\s*(.+?)\s*([<>!=]=|[<>=])\s*(.+?)\s*", re.DOTALL)
_EXAMPLES: Final = '"c > 1", "model = gpt-5" or "score >= 0.9"'

_KINDS: Final[dict[type, str]] = {int: "numbers", float: "numbers", bool: "bools", str: "texts"}
"""What cells are, in the order in which they are sorted; None has no place."""

_FORMULA: Final = re.compile("\\s*[=+@\t\r\uff1d\uff0b\uff0d\uff20-]")
"""How a text begins that a spreadsheet may compute."""

_MOST: Final = 100
"""Columns of a table, if none are chosen."""


class Run(NamedTuple):
    """A result with its cells."""

    record: TaskRecord  # its row
    cells: dict[str, Cell]  # by the name of the column; what is missing is not there


class Runs(NamedTuple):
    """Results as a table."""

    columns: tuple[str, ...]  # in the order in which they are shown
    arguments: tuple[str, ...]  # those of the columns that are arguments
    runs: list[Run]  # sorted, and no more than the limit
    total: int  # how many match, those beyond the limit too

    def csv(self) -> Iterator[str]:
        """The lines of a CSV file, a heading first.

        What a spreadsheet would take for a formula has an apostrophe before it.
        """
        heading: dict[str, Cell] = {name: name for name in self.columns}
        for cells in (heading, *(run.cells for run in self.runs)):
            line = StringIO()
            found = (cells.get(name) for name in self.columns)
            csv.writer(line).writerow(map(_harmless, found))  # "\r\n": it puts both in quotes
            yield line.getvalue().removesuffix("\r\n") + "\n"


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def listed(
    records: Iterable[TaskRecord],
    told: Told,
    columns: Sequence[str],
    sort: str,
    conditions: Iterable[str],
    offset: int,
    limit: int | None,
) -> Runs:
    """See `Store.runs`."""
    runs, arguments = runs_of(records)
    wanted, by = list(map(read_condition, conditions)), sort.removeprefix("-")
    known = {*arguments, *ROW}
    asked = {name for name in (by, *(condition.name for condition in wanted)) if name}
    for condition in wanted:
        runs = condition.matching(runs) if condition.name in known else runs
    is_told = not asked <= known
    if is_told:
        tell(runs, told, known)
    check_columns(asked, runs)
    for condition in wanted:
        runs = runs if condition.name in known else condition.matching(runs)
    if by:
        runs = in_order(runs, by, down=sort != by)
    shown = runs[offset:][:limit]
    if not is_told and not (columns and known.issuperset(columns)):
        tell(shown, told, known)
    if not names_in(shown).keys() >= {*columns}:  # others may have it
        tell(runs, told, known)
        check_columns(columns, runs)
    return Runs(tuple(columns) or _usual(shown, arguments), arguments, shown, len(runs))


def runs_of(records: Iterable[TaskRecord]) -> tuple[list[Run], tuple[str, ...]]:
    """The runs of these rows, without fields, and the names of all their arguments."""
    records = list(records)
    given = list(map(arguments_of, records))
    pairs = zip(records, given, strict=True)
    runs = [
        Run(row, {**dict(zip(ROW, _row_cells(row), strict=True)), **cells}) for row, cells in pairs
    ]
    return runs, tuple(dict.fromkeys(chain.from_iterable(given)))


def names_in(runs: Iterable[Run]) -> dict[str, None]:
    """The names of all their cells."""
    return dict.fromkeys(chain.from_iterable(run.cells for run in runs))


def tell(runs: list[Run], told: Told, known: Collection[str]) -> None:
    """Add the fields of results to their cells, by names that are not known."""
    fields = told([run.record for run in runs])
    for run in runs:
        own = fields.get(run.record.cache_key, {}).items()
        run.cells.update({f"result.{of}" if of in known else of: cell for of, cell in own})


def _usual(runs: list[Run], arguments: tuple[str, ...]) -> tuple[str, ...]:
    """What is shown if nothing was chosen: what the row has, was given, and came out."""
    there = dict.fromkeys(
        name for run in runs for name, cell in run.cells.items() if cell is not None
    )
    own = [name for name in ROW[:-1] if name in there and name not in arguments]
    rest = [name for name in there if name not in ROW]
    return tuple(islice(dict.fromkeys((*own, *arguments, *rest)), _MOST))


def in_order(runs: list[Run], by: str, *, down: bool) -> list[Run]:
    """Numbers, bools, then texts, or the reverse of that; then what has no place."""
    places = {kind: place for place, kind in enumerate(_KINDS.values())}
    ranked, rest = list[tuple[int, Any, Run]](), list[Run]()
    for run in runs:
        cell: Any = run.cells.get(by)
        if cell is None or cell != cell:
            rest.append(run)
        else:
            ranked.append((places[_KINDS[type(cell)]], cell, run))
    ranked.sort(key=lambda each: each[:2], reverse=down)
    return [*(run for _, _, run in ranked), *rest]


def check_columns(names: Iterable[str], runs: list[Run]) -> None:
    """Refuse a column that none of some results has.

    Raises:
        ConfigError: says which there are.
    """
    there = names_in(runs)
    for name in names:
        if runs and name not in there:
            near, known = did_you_mean(name, there), ", ".join(islice(there, 40))
            raise ConfigError(f"no result here has a column {name!r:.80}.{near} There are: {known}")


class Condition(NamedTuple):
    """What a column has to be: a name, an operator, and a value."""

    name: str
    sign: str
    value: Cell

    def matching(self, runs: list[Run]) -> list[Run]:
        """Those that meet it; none in which the column is missing.

        Raises:
            ConfigError: none has a value of that kind there.
        """
        kind = _KINDS.get(type(self.value))
        kinds = {_KINDS.get(type(run.cells.get(self.name))) for run in runs} - {None}
        is_order, holds = self.sign[0] in "<>", _OPERATORS[self.sign]
        is_refused = is_order or (kind is not None and self.sign != "!=")
        if kind not in kinds and (kinds or kind is None) and is_refused:
            held = " and ".join(sorted(filter(None, kinds))) or "nothing"
            raise ConfigError(
                f"{self.name} {self.sign} {self.value!r:.80}: {self.name} holds {held}, and this "
                f"is none of them: write {_EXAMPLES}, one condition at a time"
            )

        def is_met(cell: Cell) -> bool:
            is_same = _KINDS.get(type(cell)) == kind
            return holds(cell, self.value) if is_same else self.sign == "!="

        there = (run for run in runs if self.name in run.cells)
        return [run for run in there if is_met(run.cells[self.name])]


def read_condition(text: object) -> Condition:
    """A condition as people write it.

    Raises:
        ConfigError: it is none; says what to write.
    """
    found = _CONDITION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ConfigError(
            f"{text!r:.80} is no condition: write a column, one of = != < <= > >=, and a value, "
            f"such as {_EXAMPLES}"
        )
    return Condition(found[1], found[2], cell_in(found[3]))
