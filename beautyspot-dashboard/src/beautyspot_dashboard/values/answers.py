"""What a language model answered: its text beside what it was asked."""

from __future__ import annotations

import ast
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from beautyspot import answer_of, arguments_of

from beautyspot_dashboard.values.views import View

if TYPE_CHECKING:
    from beautyspot_dashboard.values.places import Place


def view(place: Place) -> View | None:
    """A response of a language model; None of all else, and where its tree is wanted."""
    look = place.look
    answer = None if place.path or look.mode == "tree" else answer_of(place.value)
    if answer is None:
        return None
    asked = {name: _turns(cell) for name, cell in arguments_of(look.record).items()}
    context = {"answer": answer, "asked": asked, "links": [look.way("As a tree", "tree")]}
    return View("answer.html", f"answer of {answer.model or 'a model'}"[:120], context)


def _turns(cell: Any) -> list[tuple[str, str]]:
    """Who said what, if an argument is a list of messages; else the argument alone."""
    with suppress(Exception):  # it is written by whoever can write to the store, and may be cut
        told = [(str(each["role"]), each["content"]) for each in ast.literal_eval(cell)]
        return [(role, text if isinstance(text, str) else repr(text)) for role, text in told]
    return [("", str(cell))]
