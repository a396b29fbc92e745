"""Decoded values: of what a serializer stored, and of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot import NotInstalled

from beautyspot_dashboard.values import hexes
from beautyspot_dashboard.values.arrays import images
from beautyspot_dashboard.values.arrays import view as arrays
from beautyspot_dashboard.values.leaves import leaf
from beautyspot_dashboard.values.places import Place, place_of
from beautyspot_dashboard.values.tables import frames, records
from beautyspot_dashboard.values.texts import markdown
from beautyspot_dashboard.values.texts import view as texts
from beautyspot_dashboard.values.trees import json_text
from beautyspot_dashboard.values.trees import view as trees
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot_dashboard.values.views import Look

_LONGEST: Final = 2000


def view(look: Look) -> View | None:
    """What a serializer stored, decoded without the classes of the program; None of media."""
    return None if look.file.is_media else shown_part(look, look.value())


def json(look: Look) -> View | None:
    """A JSON text as a tree; None of all else, and of what is no JSON."""
    value = json_text.value_of(look)
    return None if value is json_text.NONE else shown_part(look, value)


def text_at(look: Look) -> str | None:
    """The text within a decoded value that the query names; None where it is none.

    Raises:
        TooLargeError: the value is not decoded for its size.
        BeautyspotError: it can't be read.
    """
    value = json_text.value_of(look) if look.file.is_media else look.value()
    try:
        found = place_of(look, value).value
    except LookupError:
        return None
    return str(found) if isinstance(found, str) else None


def shown_part(look: Look, value: Any) -> View:
    """The view of the part of a value that the query names."""
    try:
        place = place_of(look, value)
    except LookupError:
        return View("lost.html", "no such part", {"whole": Place(look, "$", value).link("$")})
    found = (kind(place) for kind in _KINDS)
    return next(view for view in found if view is not None)


def _missing(place: Place) -> View | None:
    if not isinstance(place.value, NotInstalled):
        return None
    value = place.value
    context = {"library": value.library, "size": value.size, "crumbs": place.crumbs}
    return View("missing.html", f"{value.library} {value.kind}", context)


def _figure(place: Place) -> View:
    shown = leaf(place.value, _LONGEST)
    name = type(place.value).__name__
    kind = {"NoneType": "None", "Written": "number"}.get(name, name)
    context = {"text": shown.text, "type": shown.type, "crumbs": place.crumbs, "links": []}
    return View("figure.html", kind, context)


_KINDS: Final[tuple[Callable[[Place], View | None], ...]] = (
    _missing,
    markdown.of_text,
    texts.of_text,
    texts.of_bytes,
    hexes.of_bytes,
    frames.view,
    arrays.view,
    images.view,
    records.view,
    trees.view,
    _figure,
)
