"""Rows to look at, and the stores that hold them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from beautyspot.contracts import KEY_SCHEME, MetadataStoreBase, TaskRecord
from beautyspot.memory import MemoryMetadataStore
from beautyspot_local import SqliteMetadataStore

DAY = 86400.0
NOW = time.time()

NEW, OLD = "0f0f0f0f0f0f0f0f:aa", "a1a1a1a1a1a1a1a1:aa"


def row(number: int, name: str = "app:ask", **fields: Any) -> TaskRecord:
    """The row of a result that was made `number` days ago."""
    given: dict[str, Any] = {
        "input_id": f"{number}",
        "result_data": b"x" * number,
        "updated_at": "2026-11-19 12:00:00",
        "func_identifier": name,
        "key_scheme": KEY_SCHEME,
        "serializer": "msgpack",
        "size": number,
        "made_at": NOW - number * DAY,
        "took": number / 10,
        "code": NEW,
        **fields,
    }
    return TaskRecord(f"{number:06x}{'0' * 26}", name.partition(":")[2], **given)


ROWS = (
    row(1, arguments="prompt='Hello Alice', api_key=***", tags=("daily", "paid"), price=0.5),
    row(2, version="2", used_at=NOW),
    row(3, code=OLD, price=2.0, arguments="prompt='bye'"),
    row(4, code=None, expires_at=NOW - 1),
    row(5, "app:draw", tags=("daily",), took=None),
    row(6, "lib:load[1]", code=None),
)
"""Their sizes are 1 to 6 bytes, and they are so many days old."""


def make(kind: str, folder: Path) -> MetadataStoreBase:
    """An empty store of a kind."""
    return SqliteMetadataStore(folder / "app.db") if kind == "sqlite" else MemoryMetadataStore()
