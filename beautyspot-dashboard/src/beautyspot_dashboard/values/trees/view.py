"""A value that has parts, as a tree that opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot_dashboard.rendering.texts import count
from beautyspot_dashboard.values.spans import wanted
from beautyspot_dashboard.values.tables import records
from beautyspot_dashboard.values.trees.growing import FIRST, grow, lines
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from beautyspot_dashboard.values.places import Place


def view(place: Place) -> View | None:
    """The tree; None of a value that has no parts."""
    start = wanted(place.look, "from")
    root = grow(place.value, place.path, start)
    if root.parts is None:
        return None
    context = {
        "lines": list(lines(root)),
        "root": root,
        "place": place,
        "start": start,
        "before": place.link(place.path, max(0, start - FIRST)) if start else None,
        "after": None if root.rest is None else place.link(place.path, root.rest),
        "crumbs": place.crumbs,
        "links": records.link(place),
        "note": _note(place),
        "what": f"{count(root.parts.size)}",
    }
    return View("tree.html", root.parts.name, context)


def _note(place: Place) -> str:
    is_stream = (place.look.record.serializer or "").startswith("stream:")
    if not is_stream or place.path != "$":
        return ""
    return "These are the items of a generator; the last one is what it returned at its end."
