"""What pages tell of a whole store, where that is known soon enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot import BeautyspotError
from beautyspot_cli.texts import safe

from beautyspot_dashboard.board import board_of

if TYPE_CHECKING:
    from beautyspot import Page, Totals, Where
    from starlette.requests import Request

    from beautyspot_dashboard.shelf import Shelved

_SOON: Final = 0.15
"""Seconds that a page waits for what it can do without."""

_OFFERED: Final = 500
"""Names that a field of a form offers."""


def function_names(shelved: Shelved) -> tuple[str, ...] | None:
    """The names of the functions in a store; None where it takes long to find them: ask again."""
    try:
        found = shelved.kept.get("functions", shelved.store().functions, _SOON)
    except BeautyspotError:  # whatever else the page shows says it
        return ()
    return None if found is None else tuple(each.name for each in found.value)


def suggested(names: tuple[str, ...] | None) -> list[str]:
    """The names that a field of a form offers: some, and none that can't be shown as it is."""
    return [name for name in (names or ())[:_OFFERED] if safe(name) == name]


def total_of(request: Request, shelved: Shelved, where: Where, page: Page) -> Totals | None:
    """How many results match, of which a page shows some; None where it takes long to count."""
    if page.looked_at is not None:
        return None
    name = (shelved.slug, "total", repr(sorted(where.items())))
    try:
        return board_of(request).behind.ask(name, lambda: shelved.store().total(**where), _SOON)
    except BeautyspotError:  # as above
        return None
