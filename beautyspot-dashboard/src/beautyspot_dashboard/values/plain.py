"""Any value, as text: until something fits better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from beautyspot_dashboard.values.views import Look


def plain(look: Look) -> View:
    """The value as Python writes it."""
    return View("plain.html", look.content.content_type, {"text": repr(look.value())})
