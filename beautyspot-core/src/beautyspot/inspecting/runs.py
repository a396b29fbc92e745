"""Results of one function as a table, sorted and filtered by what went in and what came out."""

from __future__ import annotations

import csv
import operator
import re
from io import StringIO
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from beautyspot.errors import ConfigError
from beautyspot.inspecting.columns import arguments_of, told_cell
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from beautyspot.contracts import TaskRecord
    from beautyspot.inspecting.columns import Cell

    Fields = Callable[[Sequence[TaskRecord]], Sequence[Mapping[str, Cell]]]
    """Decodes rows that have their data: the fields of each, by name."""

    Decode = Callable[[Sequence[TaskRecord]], Mapping[str, Mapping[str, Cell]]]
    """The same of rows without their data; by key, and only of results that have fields."""

_OF_ROWS: Final = {
    "key": "cache_key", "made": "updated_at", "took": "took", "price": "price", "size": "size",
    "version": "version",
}  # fmt: skip
"""The columns of all results, and their fields of `TaskRecord`; "made" is in UTC."""

_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_CONDITION: Final = re.compile(r"\s*(.+?)\s*([<>!=]=|[<>=])\s*(.+?)\s*", re.DOTALL)
_EXAMPLES: Final = '"c > 1", "model = gpt-5" or "score >= 0.9"'

_KINDS: Final[dict[type, str]] = {int: "number", float: "number", bool: "bool", str: "text"}
"""What cells are, in the order in which they are sorted; None has no place."""

_FORMULA: Final = re.compile("\\s*[=+@\t\r\uff1d\uff0b\uff0d\uff20-]")
"""How a text begins that a spreadsheet may compute."""

_MOST: Final = 100
"""Columns of a table, if none are chosen."""

_MISSING: Final = object()


class Column(NamedTuple):
    """A column of `Runs`."""

    name: str  # no other column has it
    kind: Literal["row", "argument", "result"]  # where it comes from
    of: str  # what it is called there


class Run(NamedTuple):
    """A result with its cells."""

    record: TaskRecord
    cells: dict[str, Cell]  # by the name of the column; what is missing is not there


class Runs(NamedTuple):
    """Results as a table."""

    columns: tuple[Column, ...]
    runs: list[Run]
    total: int  # how many match, those beyond the limit too

    def csv(self) -> Iterator[str]:
        """The lines of a CSV file, a heading first.

        What a spreadsheet would take for a formula has an apostrophe before it.
        """
        names = [column.name for column in self.columns]
        heading: dict[str, Cell] = {name: name for name in names}
        for cells in (heading, *(run.cells for run in self.runs)):
            line = StringIO()
            csv.writer(line, lineterminator="\n").writerow([_harmless(cells.get(n)) for n in names])
            yield line.getvalue()


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


class Table:
    """Rows with their arguments, and what was decoded of their results so far.

    Args:
        records: the rows.
        decode: gives the fields of some.
    """

    def __init__(self, records: Iterable[TaskRecord], decode: Decode) -> None:
        self.runs = [Run(record, arguments_of(record)) for record in records]
        names = dict.fromkeys(chain.from_iterable(run.cells for run in self.runs))
        self.columns = {name: Column(name, "argument", name) for name in names}
        for of in _OF_ROWS:
            self._name("row", of)
        self._decode = decode
        self._decoded = set[str]()

    def _name(self, kind: Literal["row", "result"], of: str) -> str:
        """The name of a column; with its kind before it, where another one has it."""
        column = Column(of, kind, of)
        while self.columns.setdefault(column.name, column) != column:
            column = column._replace(name=f"{kind}.{column.name}")
        return column.name

    def decode(self, runs: Iterable[Run]) -> None:
        """Add the fields of these results to their cells."""
        cells = {run.record.cache_key: run.cells for run in runs}
        todo = [run.record for run in runs if run.record.cache_key not in self._decoded]
        self._decoded |= cells.keys()
        for key, fields in self._decode(todo).items():
            cells[key].update({self._name("result", of): cell for of, cell in fields.items()})

    def shown(self, runs: list[Run], chosen: Sequence[str]) -> tuple[Column, ...]:
        """Give each of these all its cells, and tell which columns there are."""
        own = [column for column in self.columns.values() if column.kind == "row"]
        for run in runs:
            values = ((column.name, getattr(run.record, _OF_ROWS[column.of])) for column in own)
            run.cells.update({name: cell for name, cell in values if cell is not None})
        if chosen:
            return tuple(self.columns[name] for name in chosen if name in self.columns)
        usual = sorted(self.columns.values(), key=lambda column: column.kind != "row")
        there = set(chain.from_iterable(run.cells for run in runs)) - {"size"}
        found = (each for each in usual if each.kind == "argument" or each.name in there)
        return tuple(islice(found, _MOST))

    def known(self, name: str, runs: Sequence[Run]) -> str:
        """The same name, if one of these has the column; looks for it in their results.

        Raises:
            ConfigError: none has.
        """
        if name not in self.columns:
            self.decode(runs)
        if runs and name not in self.columns:
            there = ", ".join(islice(self.columns, 40))
            near = did_you_mean(name, self.columns)
            raise ConfigError(f"no result here has a column {name!r:.80}.{near} There are: {there}")
        return name

    def cell(self, run: Run, name: str) -> object:
        """What is in a column."""
        column = self.columns.get(name)
        if column is not None and column.kind == "row":
            return getattr(run.record, _OF_ROWS[column.of])
        return run.cells.get(name, _MISSING)

    def matching(self, runs: list[Run], condition: Condition) -> list[Run]:
        """Those that meet a condition.

        Raises:
            ConfigError: none has the column, or a value of that kind there.
        """
        name, sign, wanted, kind = self.known(condition.name, runs), *condition[1:]
        cells = [self.cell(run, name) for run in runs]
        kinds = {_KINDS[type(cell)] for cell in cells if type(cell) in _KINDS}
        if kind and kinds and kind not in kinds and sign != "!=":
            raise ConfigError(
                f"{name} {sign} {wanted!r:.80}: {name} holds {' and '.join(sorted(kinds))}, and "
                f"that is a {kind}: write {_EXAMPLES}, one condition at a time"
            )
        return [run for run, cell in zip(runs, cells, strict=True) if condition.holds(cell)]

    def in_order(self, runs: list[Run], by: str, *, down: bool) -> list[Run]:
        """Numbers, bools, then texts, or all of that reversed; at the end what has no place."""
        places = {kind: place for place, kind in enumerate(_KINDS.values())}
        ranked, rest = list[tuple[int, Any, Run]](), list[Run]()
        for run in runs:
            cell: Any = self.cell(run, by)
            if type(cell) in _KINDS and cell == cell:
                ranked.append((places[_KINDS[type(cell)]], cell, run))
            else:
                rest.append(run)
        ranked.sort(key=lambda each: each[:2], reverse=down)
        return [*(run for _, _, run in ranked), *rest]


class Condition(NamedTuple):
    """What a column has to be."""

    name: str
    sign: str
    value: Cell
    kind: str | None  # of the value; None of None

    def holds(self, cell: Any) -> bool:
        """Whether a cell meets it; no missing one does."""
        is_same = _KINDS.get(type(cell)) == self.kind
        if self.sign in _OPERATORS:
            return is_same and _OPERATORS[self.sign](cell, self.value)
        is_nan = is_same and cell != cell and self.value != self.value
        is_equal = is_nan or (is_same and cell == self.value)
        return cell is not _MISSING and is_equal == (self.sign != "!=")


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
    value = told_cell(found[3])
    kind = _KINDS.get(type(value))
    if kind is None and found[2] in _OPERATORS:
        raise ConfigError(f"{text!r:.80}: nothing is greater or less than None: write = or !=")
    return Condition(found[1], found[2], value, kind)


def listed(
    table: Table,
    columns: Sequence[str],
    sort: str,
    conditions: Sequence[str],
    offset: int,
    limit: int | None,
) -> Runs:
    """See `Store.runs`."""
    runs = table.runs
    wanted = list(map(read_condition, conditions))
    for condition in sorted(wanted, key=lambda each: each.name not in table.columns):
        runs = table.matching(runs, condition)
    by = table.known(sort.removeprefix("-"), runs)
    runs = table.in_order(runs, by, down=sort.startswith("-"))
    shown = runs[offset:][:limit]
    if not table.columns.keys() >= {*columns} or not columns:
        table.decode(shown)
    for name in columns:
        table.known(name, runs)
    return Runs(table.shown(shown, columns), shown, len(runs))
