"""Diagrams: drawn, with their source below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.values.drawn import LANGUAGES, drawn, needs
from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from beautyspot_dashboard.values.views import Look

LARGEST: Final = 200_000
"""Bytes of a source that is drawn."""


def view(look: Look) -> View | None:
    """A diagram; None of all else, and where it is too long to be drawn."""
    language = language_of(look)
    if language is None or (look.file.size or 0) > LARGEST:
        return None
    source = look.data(LARGEST)
    problem, missing = "", needs(language)
    if missing is None:
        problem = drawn(language, source).problem
    context = {
        "source": source.decode("utf-8", "replace"),
        "url": None if problem or missing else look.link("diagram"),
        "missing": missing,
        "problem": problem,
        "language": language,
    }
    return View("diagram.html", f"{language} diagram", context)


def language_of(look: Look) -> str | None:
    """The language of a diagram; None of all else."""
    return LANGUAGES.get(look.file.content_type.partition(";")[0].strip().lower())
