"""The statements that list rows, in pages: each begins behind the last row of the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import FunctionTotals
from beautyspot.errors import ConfigError

from beautyspot_local.sqlite import schema
from beautyspot_local.sqlite.conditions import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.contracts import Order

FIELDS_WITHOUT_DATA: Final = schema.FIELDS.replace("result_data", "NULL")
_PLACES: Final = {  # of a row, how to go on behind it, the order, and what is up to it
    "key": (
        "CAST(cache_key AS BLOB)",
        "cache_key > CAST(? AS TEXT)",
        "cache_key",
        "cache_key <= CAST(? AS TEXT)",
    ),
    "newest": ("rowid", "rowid < ?", "rowid DESC", "rowid >= ?"),
}
# A key is compared by its bytes, also one that is no UTF-8.
_BEGIN: Final = "cache_key >= CAST(? AS TEXT)"
# What is no text, another program wrote, and no call asks for it.
IS_KEY: Final = "typeof(cache_key) = 'text'"
_LAST_ROW: Final = 2**63 - 1

_NAME: Final = "COALESCE(NULLIF(func_identifier, ''), func_name)"

# A text that does not begin with a colon.
_HAS_SOURCE: Final = "code > '' AND code < CAST(X'FF' AS TEXT) AND NOT (code >= ':' AND code < ';')"

FUNCTIONS: Final = (
    "SELECT sums.*, last.code, last.made_at FROM ("  # noqa: S608
    f"SELECT {_NAME}, COUNT(*), "
    "TOTAL(size) FILTER (WHERE typeof(size) = 'integer' AND size > 0), MIN(made_at), MAX(made_at), "
    "MIN(updated_at) FILTER (WHERE made_at IS NULL), "
    "MAX(updated_at) FILTER (WHERE made_at IS NULL), "
    f"MIN(code) FILTER (WHERE {_HAS_SOURCE}), MAX(code) FILTER (WHERE {_HAS_SOURCE}), "
    "MAX(rowid) AS row FROM tasks GROUP BY 1"
    ") AS sums LEFT JOIN tasks AS last ON last.rowid = sums.row"
)
"""What is stored of each function, with the code of what was written last."""


def totals_query(conditions: Iterable[str]) -> str:
    """The query of how many rows fulfil conditions, and their bytes."""
    where = " AND ".join([IS_KEY, *conditions])
    return f"{schema.TOTALS} WHERE {where}"


CODES: Final = f"SELECT {_NAME}, code, MAX(made_at) FROM tasks GROUP BY 1"  # noqa: S608
"""The code of what was made last: another row, where rows were copied. It takes as long again."""


def page_query(
    order: Order, conditions: Iterable[str], *, first: bool = False, with_data: bool = False
) -> str:
    """The query of one page. Each row begins with its place.

    Its parameters: the place behind which it begins, the values of the conditions, how many rows.
    With `first`, in the order of keys, it begins at the place itself.
    """
    place, behind, ordered, _ = _PLACES[order]
    fields = schema.FIELDS if with_data else FIELDS_WITHOUT_DATA
    start = _BEGIN if first and order == "key" else behind
    where = " AND ".join([start, IS_KEY, *conditions])
    return f"SELECT {place}, {fields} FROM tasks WHERE {where} ORDER BY {ordered} LIMIT ?"  # noqa: S608


def step_query(order: Order, *, first: bool = False) -> str:
    """The query of the place of a row that stands some rows behind another one.

    Its parameters: that one's place, and how many rows lie between.
    """
    place, behind, ordered, _ = _PLACES[order]
    start = _BEGIN if first and order == "key" else behind
    return (
        f"SELECT {place} FROM tasks WHERE {start} AND {IS_KEY} ORDER BY {ordered} LIMIT 1 OFFSET ?"  # noqa: S608
    )


def up_to(order: Order, place: Any) -> Condition:
    """That a row does not stand behind a place."""
    return Condition(_PLACES[order][3], (place,))


def place_of(order: Order, following: str | None) -> Any:
    """The place that a cursor names."""
    if order == "key":
        return key_bytes(following or "")
    if following is None:
        return _LAST_ROW
    try:
        place = int(following.removeprefix("row "))
    except ValueError:
        place = _LAST_ROW
    if not following.startswith("row ") or abs(place) >= _LAST_ROW:
        raise ConfigError(
            f"following={following!r:.80} is nothing that a page of the newest gave: begin without "
            "it"
        )
    return place


def cursor_of(place: Any) -> str:
    """The cursor of a row's place: a key, or the number of a row."""
    return place.decode("utf-8", "surrogateescape") if isinstance(place, bytes) else f"row {place}"


def key_bytes(key: str) -> bytes:
    """The bytes of a key that `cursor_of` gave, or of any other text."""
    try:
        return key.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate of another kind: no stored key has it
        return key.encode("utf-8", "surrogatepass")


# ------------------------------------------------------------------------------------- functions


def written_as_made(rows: list[tuple[Any, ...]]) -> bool:
    """Whether what was written last is what was made last, for each row of `FUNCTIONS`."""
    return all(row[4] == row[-1] for row in rows)


def totals_of(
    rows: Iterable[tuple[Any, ...]], codes: Iterable[tuple[Any, ...]] = ()
) -> list[FunctionTotals]:
    """What the rows of `FUNCTIONS` say, and those of `CODES`, where they were read."""
    known = {name: code for name, code, _ in codes}
    return sorted(
        (_totals(row, known.get(row[0], row[-2])) for row in rows),
        key=lambda totals: totals.func_identifier,
    )


def _totals(row: tuple[Any, ...], code: object) -> FunctionTotals:
    name, entries, size, *times, first, last, _, _, _ = row
    known = [moment for time in times if (moment := schema.seconds(time)) is not None]
    oldest, newest = min(known, default=None), max(known, default=None)
    changed = _source(first) != _source(last) if _source(code) else None
    shown = schema.name(name)
    return FunctionTotals(shown, entries, int(size), oldest, newest, schema.text(code), changed)


def _source(code: object) -> str:
    """The digest of the source. Between the first and the last code of one source is no other."""
    return (schema.text(code) or "").partition(":")[0]
