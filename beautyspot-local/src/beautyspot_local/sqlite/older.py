"""Tables of any release, read as if they had our columns: `SELECT`s of ours begin with this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot.errors import MetadataError

from beautyspot_local.sqlite import schema

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

_TABLES: Final = {
    "tasks": tuple(schema.COLUMNS),
    "beautyspot_counts": tuple(schema.COUNTED),
    "beautyspot_meta": ("name", "value"),
}


def adapted(connection: sqlite3.Connection, path: Path) -> str:
    """What to put before a `SELECT`: columns and tables that are missing, as NULL and as empty.

    Raises:
        MetadataError: the database holds other things than results.
    """
    parts = [_adapted(connection, table, columns) for table, columns in _TABLES.items()]
    if parts[0] and not _columns(connection, "tasks"):
        _check_empty(connection, path)
    elif "cache_key" not in _columns(connection, "tasks"):
        raise MetadataError(f"{path} holds no results: its table `tasks` is another program's")
    found = [part for part in parts if part]
    return f"WITH {', '.join(found)} " if found else ""


def _adapted(connection: sqlite3.Connection, table: str, columns: Iterable[str]) -> str:
    present = _columns(connection, table)
    if present.issuperset(columns):
        return ""
    named = [name if name in present else f"NULL AS {name}" for name in columns]
    if not present:
        return f"{table} AS (SELECT NULL AS rowid, {', '.join(named)} WHERE FALSE)"
    row = "rowid AS rowid, " if table == "tasks" else ""
    return f"{table} AS (SELECT {row}{', '.join(named)} FROM main.{table})"  # noqa: S608


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {str(row[1]).lower() for row in connection.execute(f"PRAGMA table_info({table})")}


def _check_empty(connection: sqlite3.Connection, path: Path) -> None:
    """A database without any table is one that a Spot has just made."""
    tables = [str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    if tables and "beautyspot_meta" not in tables:
        raise MetadataError(
            f"{path} holds no results: it has no table `tasks`, but {', '.join(tables)[:200]}"
        )
