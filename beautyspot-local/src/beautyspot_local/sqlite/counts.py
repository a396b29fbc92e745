"""What was counted, in a table of its own: a row for each function and hour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Counts

from beautyspot_local.sqlite import fork_guard, schema
from beautyspot_local.sqlite.connections import transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beautyspot_local.sqlite.connections import Handle

fork_guard.INSIDE.add(__name__)

_KEY: Final = ("func_identifier", "hour")
_KEPT: Final = Counts._fields[: len(schema.COUNTED)]
"""The fields that have a column: later releases of core may add some."""

_FIELDS: Final = ", ".join(_KEPT)
_MARKS: Final = ", ".join("?" * len(_KEPT))
# What was copied out of a damaged database of an earlier release may have NULL in later columns.
_SUMS: Final = ", ".join(
    f"{name} = COALESCE({name}, 0) + excluded.{name}" for name in _KEPT if name not in _KEY
)

# The texts below are put together from the constants above, never from what a caller gives.
_ADD: Final = (
    f"INSERT INTO beautyspot_counts ({_FIELDS}) VALUES ({_MARKS}) "  # noqa: S608
    f"ON CONFLICT (func_identifier, hour) DO UPDATE SET {_SUMS}"
)


def add(handle: Handle, counts: list[Counts]) -> None:
    """Add all of them, or none."""
    rows = [(schema.storable(count.func_identifier), *count[1 : len(_KEPT)]) for count in counts]
    with transaction(handle):
        handle.connection.executemany(_ADD, rows)


REMARKS: Final = "SELECT name, value FROM beautyspot_meta WHERE name LIKE 'remark %'"

_REMARK: Final = (
    "INSERT INTO beautyspot_meta (name, value) VALUES ('remark ' || ?, ?) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


def remark(handle: Handle, remarks: Mapping[str, str]) -> None:
    """Keep all of them, or none."""
    rows = [(schema.storable(name), schema.storable(text)) for name, text in remarks.items()]
    with transaction(handle):
        handle.connection.executemany(_REMARK, rows)


def page_query(*, first: bool, function: bool) -> str:
    """The query of some counts, by function and hour.

    Its parameters: where the page begins (function, hour), the least hour, the function if one is
    given, how many.
    """
    start = ">=" if first else ">"
    one = "AND func_identifier = ? " if function else ""
    return (
        f"SELECT {_FIELDS} FROM beautyspot_counts "  # noqa: S608
        f"WHERE (func_identifier, hour) {start} (?, ?) AND hour >= ? {one}"
        "ORDER BY func_identifier, hour LIMIT ?"
    )


def _sum(name: str) -> str:
    """The sum of a column: a text or an infinity, which another program wrote, is no number.

    A sum of whole numbers would fail where it is too large for one.
    """
    kind = schema.COUNTED[name].partition(" ")[0]
    is_number = f"typeof({name}) IN ('integer', 'real') AND {schema.is_finite(name)}"
    return f"CAST(TOTAL({name}) FILTER (WHERE {is_number}) AS {kind})"


_OF_ALL: Final = ", ".join(_sum(name) for name in _KEPT if name not in _KEY)
SUMS: Final = (
    f"SELECT func_identifier, 0, {_OF_ALL} FROM beautyspot_counts WHERE hour >= ? "  # noqa: S608
    "GROUP BY func_identifier ORDER BY func_identifier"
)
"""The query of the sums of each function. Its parameter: the least hour."""


def read(row: Iterable[Any]) -> Counts:
    """The counts of a row; what another program wrote, of another type, is 0."""
    name, *numbers = row
    return Counts(str(name), *[_number(number) for number in numbers])


def _number(value: object) -> Any:
    return value if isinstance(value, int | float) and math.isfinite(value) else 0
