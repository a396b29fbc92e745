"""Which part of a value a page shows, told by its query."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from beautyspot_dashboard.rendering.links import with_query

if TYPE_CHECKING:
    from beautyspot_dashboard.values.views import Look


def wanted(look: Look, name: str) -> int:
    """A number of the query, from 0; 0 where there is none, or something else."""
    text = look.request.query_params.get(name, "")
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else 0


def pages(look: Look, name: str, start: int, size: int, total: int) -> dict[str, str | None]:
    """The URLs of the pages around the one that begins at `start`; None where there is none."""

    def at(place: int) -> str:
        return with_query(look.request, **{name: place or None})

    last = max(0, (total - 1) // size * size)
    return {
        "first": at(0) if start > size else None,
        "before": at(max(0, start - size)) if start > 0 else None,
        "after": at(start + size) if start + size < total else None,
        "last": at(last) if start + 2 * size < total else None,
    }
