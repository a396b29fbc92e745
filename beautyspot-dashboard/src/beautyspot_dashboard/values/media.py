"""Views of what a browser shows or plays by itself: pictures, sounds, films, documents."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.rendering.links import href, result_href
from beautyspot_dashboard.rendering.texts import short_name
from beautyspot_dashboard.values.media_types import (
    FILMS,
    HTML,
    MARKDOWN,
    PDF,
    PICTURES,
    SOUNDS,
    plain_type,
)
from beautyspot_dashboard.values.texts import LARGEST_MARKDOWN
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from beautyspot import TaskRecord
    from starlette.requests import Request

    from beautyspot_dashboard.values.views import Look

_LARGEST_LISTED: Final = 4_000_000
"""Bytes of a picture that lists show."""

LARGEST_HTML: Final = 10_000_000
"""Bytes: of a longer text only the source is shown."""

_LARGEST: Final = {MARKDOWN: LARGEST_MARKDOWN, HTML: LARGEST_HTML, PDF: math.inf}


def view(look: Look) -> View | None:
    """A picture, a sound, a film or a document; None of all else."""
    kind = look.file.kind
    context: dict[str, object] = {"src": look.link("value"), "label": described(look.record)}
    if kind in PICTURES:
        context["is_drawing"] = kind == "image/svg+xml"
        return View("picture.html", f"picture ({PICTURES[kind]})", context)
    if kind in SOUNDS:
        return View("sound.html", f"sound ({SOUNDS[kind]})", context)
    if kind in FILMS:
        return View("film.html", f"film ({FILMS[kind]})", context)
    if look.file.size > _LARGEST.get(kind, -1):
        return None
    if kind == PDF:
        return View("pdf.html", "document (PDF)", context | {"is_open": look.mode == "pdf"})
    route, name = ("html", "HTML") if kind == HTML else ("markdown", "Markdown")
    context |= {"src": look.link(route), "is_ours": kind == MARKDOWN}
    return View("document.html", f"document ({name})", context)


def thumbnail_href(request: Request, record: TaskRecord) -> str:
    """The path of the picture of a result, which browsers make smaller; "" where there is none."""
    is_picture = plain_type(record.content_type or "") in PICTURES
    if not is_picture or (record.size or 0) > _LARGEST_LISTED:
        return ""
    if not result_href(request, record.cache_key):
        return ""
    return href(request, "value", store=request.path_params["store"], key=record.cache_key)


def described(record: TaskRecord) -> str:
    """What a picture shows, for who does not see it: the call that made it."""
    arguments = (record.arguments or "")[:200]
    name = short_name(record.func_identifier or record.func_name)
    return f"Result of {name}: {arguments}" if arguments else f"Result of {name}"
