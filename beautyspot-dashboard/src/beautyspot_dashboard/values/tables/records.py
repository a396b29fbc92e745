"""A list of dicts with the same keys, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot import Instance

from beautyspot_dashboard.rendering.links import with_query
from beautyspot_dashboard.rendering.texts import count
from beautyspot_dashboard.values.leaves import Written
from beautyspot_dashboard.values.tables.table import Column, table, window_of
from beautyspot_dashboard.values.trees.parts import parts_of
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from beautyspot_dashboard.values.places import Place

_LOOKED_AT: Final = 1000
"""Items that are looked at for their keys."""


def view(place: Place) -> View | None:
    """The table, where the query asks for it and the value is one."""
    names = names_of(place.value)
    if names is None or place.look.request.query_params.get("as") != "table":
        return None
    window = window_of(place.look)
    names_shown = names[window.columns]
    items = place.value[window.rows]
    rows = [
        (count(number), [_short(_fields(item).get(name)) for name in names_shown])
        for number, item in enumerate(items, window.row)
    ]
    columns = [
        _column(name, [row[place] for _, row in rows]) for place, name in enumerate(names_shown)
    ]
    found = table(place.look, columns, rows, (len(place.value), len(names)))
    links = [("As a tree", place.link(place.path))]
    kind = f"{count(len(place.value))} records"
    return View("table.html", kind, {"table": found, "crumbs": place.crumbs, "links": links})


def link(place: Place) -> list[tuple[str, str]]:
    """The link to the table, where the value is one."""
    if names_of(place.value) is None:
        return []
    return [("As a table", with_query(place.look.request, **{"as": "table", "from": None}))]


def names_of(value: Any) -> list[str] | None:
    """The columns of a list of records; None of all else."""
    if not isinstance(value, list | tuple) or len(value) < 2:
        return None
    first = _fields(value[0])
    if not first or not all(type(name) is str for name in first):
        return None
    alike = all(_fields(item).keys() == first.keys() for item in value[:_LOOKED_AT])
    return list(first) if alike else None


def _fields(item: Any) -> Any:
    if isinstance(item, Instance):
        return item.fields
    return item if isinstance(item, dict) else {}


def _short(value: Any) -> Any:
    parts = parts_of(value)
    return value if parts is None else parts.name


def _column(name: str, values: list[Any]) -> Column:
    given = [value for value in values if value is not None]
    numbers = bool(given) and all(_is_number(value) for value in given)
    return Column(name, "", numbers)


def _is_number(value: Any) -> bool:
    is_plain = isinstance(value, int | float) and not isinstance(value, bool)
    return is_plain or isinstance(value, Written)
