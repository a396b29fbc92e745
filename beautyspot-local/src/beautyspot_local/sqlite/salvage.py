"""What can be read of a damaged database, copied into a whole one.

Rows are read in the order of their numbers. A page that can't be read hides some with numbers next
to each other. So the search for the next row that can be read goes on in growing steps, and then
back to the first such row: each damaged place costs some hundred look-ups at most.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from beautyspot.logs import logger

from beautyspot_local.sqlite import connections, fork_guard, older, schema
from beautyspot_local.sqlite.reading import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

fork_guard.INSIDE.add(__name__)

Row = tuple[Any, ...]

_FIRST: Final = -(2**63)
_LAST: Final = 2**63 - 1

_ROWS: Final = f"SELECT rowid, {schema.FIELDS} FROM tasks WHERE rowid > ? ORDER BY rowid LIMIT ?"  # noqa: S608
_WITHOUT_DATA: Final = _ROWS.replace("result_data", "NULL")
_PROBE: Final = "SELECT rowid FROM tasks WHERE rowid > ? ORDER BY rowid LIMIT 1"
_COUNT: Final = "SELECT COUNT(*) FROM main.tasks"
_MARKS: Final = ", ".join("?" * (len(schema.COLUMNS) + 1))
_PUT: Final = f"INSERT OR REPLACE INTO tasks (rowid, {schema.FIELDS}) VALUES ({_MARKS})"  # noqa: S608
_OTHERS: Final = {  # and how many of the columns are the key
    "beautyspot_meta": (("name", "value"), 1),
    "beautyspot_counts": (tuple(schema.COUNTED), 2),
}


def salvage(source: sqlite3.Connection, copy: Path, path: Path) -> None:
    """Copy what can be read of the database at `path` to `copy`, and log how much can't.

    Raises:
        sqlite3.Error: nothing of it can be read.
        MetadataError: it holds no results.
    """
    damaged = _Damaged(source, older.adapted(source, path))
    with closing(sqlite3.connect(copy, isolation_level=None)) as target:
        target.execute("PRAGMA synchronous = OFF")
        schema.migrate(target, copy)
        target.execute("BEGIN")
        target.executemany(_PUT, damaged.rows())
        for table, (columns, keys) in _OTHERS.items():
            names, marks = ", ".join(columns), ", ".join("?" * len(columns))
            rows = damaged.until_damage(f"SELECT {names} FROM {table}")  # noqa: S608
            put = f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
            # What is read out of a damaged page may have no key, which the copy would refuse.
            target.executemany(put, (row for row in rows if None not in row[:keys]))
        target.execute("COMMIT")
    logger.warning(
        "%s is damaged: %d of its rows can be read, %s; it was not changed, and what can be read "
        "may be copied into another store",
        *(path, damaged.read, damaged.lost()),
    )


class _Damaged:
    """A database, and how much of it was read.

    Attributes:
        read: rows.
        whole: whether the last statement was read to its end.
    """

    def __init__(self, connection: sqlite3.Connection, prefix: str) -> None:
        connection.text_factory = decoded
        self._connection, self._prefix = connection, prefix
        self.read = 0
        self.whole = True

    def until_damage(self, query: str, values: Row = ()) -> Iterator[Row]:
        """The rows of a query up to one that can't be read."""
        self.whole = False
        try:
            yield from sqlite3.Connection.execute(self._connection, self._prefix + query, values)
        except sqlite3.DatabaseError as error:
            if not connections.is_damage(error) and "no such table" not in str(error):
                raise
        else:
            self.whole = True

    def rows(self) -> Iterator[Row]:
        """All rows that can be read; one whose data can't be, without it."""
        place: int = _FIRST
        while True:
            for row in self._beyond(_ROWS, place, -1):
                yield row
                place = row[0]
            if self.whole:
                return
            found = self._next(place)
            behind = None if found else self._behind(place)
            if found is not None:
                yield found
                place = found[0]
            elif behind is not None:
                place = behind
            else:
                return

    def _next(self, place: int) -> Row | None:
        """The next row: Python may have dropped it, looking ahead; or its data is damaged."""
        for query in (_ROWS, _WITHOUT_DATA):
            for row in self._beyond(query, place, 1):
                return row
        return None

    def _beyond(self, query: str, place: int, limit: int) -> Iterator[Row]:
        """Rows with numbers that rise: what is damaged may lead in a circle."""
        for row in self.until_damage(query, (place, limit)):
            if not isinstance(row[0], int) or row[0] <= place:
                self.whole = False
                return
            place = row[0]
            self.read += 1
            yield row

    def _behind(self, place: int) -> int | None:
        """The least number above `place` behind which a row can be read; None if there is none."""
        step = 1
        while not self._goes_on(min(place + step, _LAST)):
            if place + step >= _LAST:
                return None
            step *= 2
        low, high = place + step // 2, min(place + step, _LAST)
        while high - low > 1:
            middle = (low + high) // 2
            if self._goes_on(middle):
                high = middle
            else:
                low = middle
        return high

    def _goes_on(self, place: int) -> bool:
        rows = list(self.until_damage(_PROBE, (place,)))
        return self.whole and all(number > place for (number,) in rows)

    def lost(self) -> str:
        """How many rows can't be read, for people: the index of the keys may still count them."""
        counted = list(self.until_damage(_COUNT))
        if not self.whole or not counted or counted[0][0] < self.read:
            return "and it is unknown how many others can't"
        return f"and {counted[0][0] - self.read} can't"
