"""A store that somebody hostile has written to: values, names and texts that attack who looks."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import beautyspot as bs
from beautyspot.spot import Spot
from browsing import attacks


def fill(spot: Spot, origin: str) -> dict[str, str]:
    """Store all attacks, which ask a server at `origin`; the keys by their names."""
    for each in attacks.ALL:
        spot.mark(_giving(each.armed(origin)), name=each.name, content_type=each.content_type)(0)
    texts = [text.replace("{beacon}", attacks.BEACON) for text in attacks.TEXTS]
    texts = [text.replace("{away}", f"{origin}/text-{n}") for n, text in enumerate(texts)]
    told = {text: [text, {text[:200]: text[:200]}] for text in texts}
    spot.mark(_giving(told), name="texts")(0)
    for number, text in enumerate(texts):
        spot.mark(_giving(text), name=f"text-{number}", content_type="text/x-a")(number)
    spot.mark(_given, name="runs")(**{text: number for number, text in enumerate(texts)})
    spot.mark(_given, name="runs")(**dict.fromkeys(texts, "x"), more="\n".join(texts))
    with bs.open_store(spot) as store:
        keys = {str(row.func_identifier): row.cache_key for row in store.rows("key")}
    spot.shutdown()
    _rewrite(spot.db_path, keys, texts)
    return keys


def _giving(value: Any) -> Any:
    def make(number: int) -> Any:
        return value

    return make


def _given(**named: Any) -> Any:
    return {**named, "more": "\n".join(named)}


def _rewrite(database: Path, keys: dict[str, str], texts: list[str]) -> None:
    """Put each text into all columns that are shown."""
    columns = (
        "func_identifier=?, func_name=?, version=?, tags=?, arguments=?, code=?, content_type=?"
    )
    with closing(sqlite3.connect(database)) as connection, connection:
        for number, text in enumerate(texts):
            row = (text, text, text, json.dumps([text]), f"prompt={text!r}"[:1000], text, text)
            sql = f"UPDATE tasks SET {columns} WHERE cache_key=?"
            connection.execute(sql, (*row, keys[f"text-{number}"]))
            counted = "INSERT INTO beautyspot_counts (func_identifier, hour, hits) VALUES (?, ?, 1)"
            connection.execute(counted, (text, 498_000))
