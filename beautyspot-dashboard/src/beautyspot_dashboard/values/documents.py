"""Views of documents: HTML and Markdown in a frame without scripts, PDF when it is asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.values.media import described
from beautyspot_dashboard.values.media_types import HTML, MARKDOWN, PDF
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from beautyspot_dashboard.values.views import Look

LARGEST_MARKDOWN: Final = 1_000_000
LARGEST_HTML: Final = 10_000_000
"""Bytes: of a longer text only the source is shown."""

_LARGEST: Final = {MARKDOWN: LARGEST_MARKDOWN, HTML: LARGEST_HTML}


def document(look: Look) -> View | None:
    """A document, by its content type."""
    kind = look.file.kind
    if kind not in (HTML, MARKDOWN, PDF) or (look.file.size or 0) > _LARGEST.get(kind, math.inf):
        return None
    label = described(look.record)
    if kind == PDF:
        is_open = look.request.query_params.get("as") == "pdf"
        context = {"src": look.link("value"), "label": label, "is_open": is_open}
        return View("pdf.html", "document (PDF)", context)
    route, name = ("html", "HTML") if kind == HTML else ("markdown", "Markdown")
    context = {"src": look.link(route), "label": label}
    return View("document.html", f"document ({name})", {**context, "is_ours": kind == MARKDOWN})
