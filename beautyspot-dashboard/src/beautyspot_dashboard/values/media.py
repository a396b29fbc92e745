"""Views of what a browser shows or plays by itself: pictures, sounds, films."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot_dashboard.rendering.texts import short_name
from beautyspot_dashboard.values.measures import measured
from beautyspot_dashboard.values.media_types import FILMS, PICTURES, SOUNDS
from beautyspot_dashboard.values.soundness import check, is_checked_first
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from beautyspot import TaskRecord

    from beautyspot_dashboard.values.views import Look


def picture(look: Look) -> View | None:
    """A picture, which is not decoded here."""
    name = PICTURES.get(look.body.kind)
    if name is None:
        return None
    check(look)
    measures = measured(b"".join(look.body.part(0, 65536)))
    context = {"src": look.link("value"), "alt": described(look.record), "measures": measures}
    return View("picture.html", f"picture ({name})", {**context, "is_drawing": name == "SVG"})


def recording(look: Look) -> View | None:
    """A sound or a film, with which the browser can seek."""
    kind = look.body.kind
    name = SOUNDS.get(kind) or FILMS.get(kind)
    if name is None:
        return None
    check(look)
    context = {
        "src": look.link("value"),
        "type": kind,
        "label": described(look.record),
        "unchecked": not is_checked_first(look),
    }
    is_film = kind in FILMS
    what, template = ("film", "film.html") if is_film else ("sound", "sound.html")
    return View(template, f"{what} ({name})", context)


def described(record: TaskRecord) -> str:
    """What a picture shows, for who does not see it: the call that made it."""
    arguments = (record.arguments or "")[:200]
    name = short_name(record.func_identifier or record.func_name)
    return f"Result of {name}: {arguments}" if arguments else f"Result of {name}"
