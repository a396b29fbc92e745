"""Images of Pillow that stand in a value, or were stored without a content type."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.values.arrays.png import data_url
from beautyspot_dashboard.values.leaves import by
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from beautyspot_dashboard.values.places import Place

_MOST: Final = 1024
"""Pixels in each direction; larger ones are shown smaller."""


def view(place: Place) -> View | None:
    """An image; None of all else."""
    kind = type(place.value)
    if kind.__module__.partition(".")[0] != "PIL" or not hasattr(place.value, "thumbnail"):
        return None
    width, height = place.value.size
    mode = place.value.mode
    # A mode that PNG has no name for, such as CMYK, as the colours of a screen.
    shown = place.value.convert("RGBA" if "A" in mode or "a" in mode or mode == "P" else "RGB")
    shown.thumbnail((_MOST, _MOST))
    file = BytesIO()
    shown.save(file, "PNG")
    picture = {"url": data_url(file.getvalue()), "width": shown.width, "height": shown.height}
    facts = [("Size", f"{by((width, height))} pixels"), ("Mode", mode)]
    context = {
        "facts": facts,
        "of": "",
        "picture": {**picture, "step": 1},
        "chart": None,
        "table": None,
        "crumbs": place.crumbs,
    }
    return View("array.html", f"image · {by((width, height))} · {mode}", context)
