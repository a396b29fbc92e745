"""A value that has parts, as a tree that opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot import ErrorInstance

from beautyspot_dashboard.rendering.texts import count
from beautyspot_dashboard.values.leaves import leaf
from beautyspot_dashboard.values.spans import wanted
from beautyspot_dashboard.values.tables import records
from beautyspot_dashboard.values.trees.growing import FIRST, grow, lines
from beautyspot_dashboard.values.trees.parts import parts_of
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
        "error": _error(place.value),
        "returned": _returned(place),
        "what": f"{count(root.parts.size)}",
    }
    name = root.parts.name.replace("list", "generator", 1) if place.returned else root.parts.name
    return View("tree.html", name, context)


def _error(value: Any) -> str:
    """An error as Python writes it; "" of all else."""
    if not isinstance(value, ErrorInstance):
        return ""
    name = value.class_name.rpartition(":")[2]
    given = [leaf(each).text for key, each in value.fields.items() if isinstance(key, int)]
    return f"{name}: {', '.join(given)}" if given else name


def _returned(place: Place) -> dict[str, Any] | None:
    """What a generator returned, as a text, or as a link to it."""
    if not place.returned:
        return None
    (value,), parts = place.returned, parts_of(place.returned[0])
    link = place.link(f"$[{len(place.value)}]")
    if parts is not None:
        return {"text": parts.name, "link": link}
    shown = leaf(value)
    return {"text": shown.text, "link": link if shown.is_cut else None}
