"""Views of what a browser shows or plays by itself: pictures, sounds, films."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.rendering.links import href, result_href
from beautyspot_dashboard.rendering.texts import short_name
from beautyspot_dashboard.values.media_types import FILMS, PICTURES, SOUNDS, plain_type
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from beautyspot import TaskRecord
    from starlette.requests import Request

    from beautyspot_dashboard.values.views import Look

_LARGEST_LISTED: Final = 4_000_000
"""Bytes of a picture that lists show."""


def picture(look: Look) -> View | None:
    """A picture, which is not decoded here."""
    name = PICTURES.get(look.file.kind)
    if name is None:
        return None
    context = {
        "src": look.link("value"),
        "alt": described(look.record),
        "is_drawing": name == "SVG",
    }
    return View("picture.html", f"picture ({name})", context)


def recording(look: Look) -> View | None:
    """A sound or a film, with which the browser can seek."""
    kind = look.file.kind
    name = SOUNDS.get(kind) or FILMS.get(kind)
    if name is None:
        return None
    context = {"src": look.link("value"), "label": described(look.record)}
    is_film = kind in FILMS
    what, template = ("film", "film.html") if is_film else ("sound", "sound.html")
    return View(template, f"{what} ({name})", context)


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
