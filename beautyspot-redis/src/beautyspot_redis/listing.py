"""Lists what is stored: the names by SCAN, which blocks the server for moments only, then the rows.

There is no index: the server may evict anything, and an index that has lost entries would hide
rows. So a listing reads all names of the server first, keeps those of its rows, and sorts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot_redis.asking import PART, beginnings_of, parts, string, together, values_of
from beautyspot_redis.names import key_text
from beautyspot_redis.rows import missing, record_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot.contracts import TaskRecord

    from beautyspot_redis.names import Names
    from beautyspot_redis.server import Server

SCANNED: Final = 1000
"""Names that the server looks at for each SCAN."""

BEGINNING: Final = 4096
"""Bytes that hold a row up to its data, mostly."""

WHOLE: Final = 50
"""Rows that are read at a time with their data."""


def keys(server: Server, names: Names) -> list[bytes]:
    """The keys of all rows, in their order."""
    found = {
        key
        for client in server.masters()
        for name in client.scan_iter(match=names.pattern, count=SCANNED)
        if (key := names.key_of(name)) is not None
    }
    return sorted(found)


def records(
    server: Server, names: Names, wanted: Iterable[bytes], *, with_data: bool = False
) -> Iterator[TaskRecord]:
    """The records of these keys that are still there."""
    for part in parts(wanted, WHOLE if with_data else PART):
        texts = [text for key in part if (text := key_text(key)) is not None]
        rows = [names.row(text) for text in texts]
        values = values_of(server, rows) if with_data else beginnings(server, rows)
        for text, value in zip(texts, values, strict=True):
            record = record_of(text, value, cut=None if with_data else BEGINNING)
            if record is not None:
                yield record


def beginnings(server: Server, rows: list[bytes]) -> list[bytes]:
    """Rows up to their data; some of them with data, or a part of it."""
    found = beginnings_of(server, rows, BEGINNING)
    short = {number: size for number, value in enumerate(found) if (size := missing(value))}
    if short:
        whole = together(
            server,
            lambda pipe: [
                pipe.getrange(rows[number], 0, size - 1) for number, size in short.items()
            ],
        )
        for number, answer in zip(short, whole, strict=True):
            found[number] = string(answer)
    return found
