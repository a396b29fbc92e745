"""Any text as Markdown, where the query asks for it: answers of models mostly are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot_dashboard.rendering.links import with_query
from beautyspot_dashboard.values.documents import LARGEST_MARKDOWN
from beautyspot_dashboard.values.media_types import TEXT
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from beautyspot_dashboard.values.places import Place
    from beautyspot_dashboard.values.views import Look


def view(look: Look) -> View | None:
    """A stored text as Markdown; None of all else, and if the query does not ask for it."""
    if not look.file.is_media or look.file.kind != TEXT or not _wanted(look, look.file.size):
        return None
    return _view(look, None, [])


def of_text(place: Place) -> View | None:
    """The same of a text within a decoded value."""
    if not isinstance(place.value, str) or not _wanted(place.look, len(place.value)):
        return None
    return _view(place.look, place.path, place.crumbs)


def link(look: Look, size: int) -> list[tuple[str, str]]:
    """The link to that view, for a text that is no longer than can be shown so."""
    if size > LARGEST_MARKDOWN:
        return []
    return [("As Markdown", with_query(look.request, **{"as": "markdown", "from": None}))]


def _wanted(look: Look, size: int | None) -> bool:
    asked = look.request.query_params.get("as") == "markdown"
    return asked and size is not None and size <= LARGEST_MARKDOWN


def _view(look: Look, path: str | None, crumbs: list[tuple[str, str]]) -> View:
    context = {
        "src": look.link("markdown", {"at": path}),
        "crumbs": crumbs,
        "links": [("As text", with_query(look.request, **{"as": None}))],
    }
    return View("markdown.html", "text as Markdown", context)
