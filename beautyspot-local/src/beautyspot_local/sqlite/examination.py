"""What is wrong, or soon will be, with a database; and what can be read of a damaged one."""

from __future__ import annotations

import os
import sqlite3
from bisect import bisect_right
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from beautyspot import Finding
from beautyspot.errors import MetadataError

from beautyspot_local.examination import of_folder, of_modes
from beautyspot_local.sqlite import schema
from beautyspot_local.sqlite.connections import all_set_aside, rescue
from beautyspot_local.sqlite.database import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts import MetadataStoreBase, TaskRecord
    from beautyspot.contracts.selection import FindingState

    from beautyspot_local.sqlite.connections import Handle
    from beautyspot_local.sqlite.database import Database


def of_database(store: MetadataStoreBase, database: Database) -> Iterator[Finding]:
    """What there is to say of a database that is there."""
    path, subject = database.path, f"metadata {store.name}"
    yield from of_folder(path.parent, subject)
    yield from of_modes(path, subject, "600")
    if not os.access(path, os.W_OK):
        text = f"{path} can only be read, so no result is stored: chmod u+w {path}"
        yield Finding("problem", subject, text)
    (version,) = database.read("PRAGMA user_version")[0]
    if version != schema.VERSION:
        text = f"it has schema {version}, and this release writes {schema.VERSION}"
        advice = "the next Spot that opens it brings an older one up to date, and loses nothing"
        state: FindingState = "problem" if version > schema.VERSION else "warning"
        yield Finding(state, subject, f"{text}: {advice}; for a newer one upgrade beautyspot")
    try:
        # A quick one does not look into indices.
        (said,) = database.read("PRAGMA integrity_check(1)")[0]
    except MetadataError as error:
        said = str(error.__cause__)
    if said == "ok":
        yield Finding("ok", subject, f"{path} is sound ({path.stat().st_size:,} bytes)")
    else:
        said = said.rpartition("\n")[2]  # below a title
        rescued = rescue(path, path.with_name(f"fresh-{path.name}"))
        advice = f"copy what can be read ({rescued}), and put the copy in its place"
        yield Finding("problem", subject, f"{path} is damaged ({said}): {advice}")
    for aside in all_set_aside(path):
        advice = f"copy what can be read of it ({rescue(aside, path)}), and then remove it"
        yield Finding("problem", subject, f"a damaged database was renamed to {aside}: {advice}")


_PLACES: Final = "SELECT cache_key, rowid FROM main.tasks"
_WALKS: Final = (
    f"{_PLACES} ORDER BY cache_key",
    f"{_PLACES} ORDER BY cache_key DESC",
    f"{_PLACES} NOT INDEXED ORDER BY rowid",
    f"{_PLACES} NOT INDEXED ORDER BY rowid DESC",
)


class Remains:
    """The rows that are left of a damaged database.

    Their places are looked for in the index and in the table, from both ends of each: a page that
    can't be read ends one walk, and the others come to what lies behind it.

    Attributes:
        lost: the keys of rows that are known of, and could not be read.
        hides: whether there may be rows of which nothing is known.
    """

    def __init__(self, handle: Handle) -> None:
        self.lost: set[str] = set()
        self._places: dict[str, int] = {}
        self.hides = True
        handle.connection.text_factory = decoded
        for walk in _WALKS:
            with suppress(sqlite3.DatabaseError):
                for key, place in handle.execute(walk):
                    self._places[str(key)] = place
                self.hides = False
        self._keys = sorted(self._places)

    def rows(self, handle: Handle, fields: str, after: str, limit: int) -> list[TaskRecord]:
        """A page of them, one by one; see `MetadataStoreBase.rows`."""
        handle.connection.text_factory = decoded
        query = f"SELECT {fields} FROM tasks WHERE rowid = ?"  # noqa: S608
        found: list[TaskRecord] = []
        for key in self._keys[bisect_right(self._keys, after) :]:
            if len(found) == limit:
                break
            row = None
            with suppress(sqlite3.DatabaseError):
                row = handle.execute(query, (self._places[key],)).fetchone()
            if row is not None and row[0] == key:
                found.append(schema.record_of(row))
            else:
                self.lost.add(key)
        return found
