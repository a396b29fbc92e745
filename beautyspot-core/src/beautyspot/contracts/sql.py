"""What stores in SQL databases share: the statement of `select`, for SQLite's and Postgres's SQL.

Both have a table with the columns of `TaskRecord`, in which `tags` is the JSON text of a list. A
condition may let through what the selection does not cover (patterns with sets, letters that are no
ASCII): core looks once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts.selection import Order, Rank, Selection

_NAME: Final = "coalesce(nullif(func_identifier, ''), func_name)"
_LAST: Final = "CASE WHEN used_at IS NULL OR made_at > used_at THEN made_at ELSE used_at END"

_COMPARED: Final = {
    "made_since": "made_at >= {}",
    "made_before": "made_at < {}",
    "unused_since": f"{_LAST} < {{}}",
    "expired_by": "expires_at <= {}",
    "smallest": "coalesce(size, 0) >= {}",
    "largest": "coalesce(size, 0) <= {}",
}
"""Conditions on numbers, with a place for the value."""


def select_statement(
    columns: str,
    table: str,
    where: Selection,
    order: Order,
    after: Rank | None,
    limit: int,
    *,
    mark: str = "?",
) -> tuple[str, list[Any]]:
    """A statement that gives `MetadataStoreBase.select`, and its values.

    Args:
        columns: what is selected, and the table's name; both are put in as they are.
        table: the same.
        where: which rows.
        order: in which order.
        after: the place behind which they begin.
        limit: how many at most.
        mark: how a value is written: ``?``, or ``%s``.
    """
    from beautyspot.contracts.selection import COLUMNS

    conditions, values = [], list[Any]()
    for text, value in _conditions(where):
        conditions.append(text.format(mark))
        values.append(value)
    none, value, keys = "FALSE", "0", "cache_key"
    if order != "key":
        column, sign = (_LAST, 1) if order == "unused" else COLUMNS[order]
        value = f"({column})" if sign == 1 else f"-({column})"
        none = f"(({column}) IS NULL)"
        keys = f"{none}, {value}, cache_key"
    if after is not None and order == "key":
        conditions.append(f"cache_key > {mark}")
        values.append(after[2])
    elif after is not None:
        conditions.append(f"({none}, coalesce({value}, 0), cache_key) > ({mark}, {mark}, {mark})")
        values += after
    joined = " AND ".join(f"({each})" for each in conditions) or "TRUE"
    text = f"SELECT {columns} FROM {table} WHERE {joined} ORDER BY {keys} LIMIT {mark}"  # noqa: S608
    return text, [*values, limit]


def _conditions(where: Selection) -> Iterator[tuple[str, Any]]:
    """Conditions that all rows fulfil which `where` covers, each with one value."""
    import json  # which no Spot needs to start

    for name, text in _COMPARED.items():
        value = getattr(where, name)
        if value is not None:
            yield text, value
    if where.function is not None and not any(sign in where.function for sign in "*?["):
        yield f"{_NAME} = {{}}", where.function
    elif where.function is not None:
        yield f"{_NAME} LIKE {{}} ESCAPE '\\'", _pattern(where.function)
    if where.version is not None:
        yield "coalesce(version, '') = {}", where.version
    text = where.text if where.text and where.text.isascii() else ""
    for column, start, part in (
        ("cache_key LIKE", "", where.key),
        ("coalesce(code, '') LIKE", "", where.code),
        ("lower(arguments) LIKE", "%", text.lower()),
        ("tags LIKE", "%", None if where.tag is None else json.dumps(where.tag)),
    ):
        if part:
            yield f"{column} {{}} ESCAPE '\\'", f"{start}{_literal(part)}%"


def _literal(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "\\%_" else sign for sign in text)


def _pattern(pattern: str) -> str:
    """A pattern of `fnmatch` for LIKE; a set of characters, and what follows it, is anything."""
    start, opening, _ = pattern.partition("[")
    return _literal(start).replace("*", "%").replace("?", "_") + "%" * bool(opening)
