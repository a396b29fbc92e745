"""All stores, and how they are: what is in each, and what is wrong with it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from beautyspot import BeautyspotError
from starlette.responses import RedirectResponse
from starlette.routing import Route

from beautyspot_dashboard import kept
from beautyspot_dashboard.board import board_of, shelved_of
from beautyspot_dashboard.rendering.filters import command_line
from beautyspot_dashboard.rendering.links import href
from beautyspot_dashboard.rendering.templates import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.board import Shelved, Summary


class Card(NamedTuple):
    """One store in the list: its numbers, or why there are none."""

    store: Shelved
    summary: Summary | None
    problem: str = ""


def home(request: Request) -> Response:
    """The list of stores, or the one that there is."""
    shelf = board_of(request).shelf
    if len(shelf) == 1:
        return RedirectResponse(href(request, "functions", store=next(iter(shelf))), 302)
    return stores(request)


def stores(request: Request) -> Response:
    """The list of stores."""
    over, cards, shelf = time.monotonic() + kept.SOON, list[Card](), board_of(request).shelf
    for each in shelf.values():  # all of them begin to count before one is waited for
        with suppress(BeautyspotError):
            each.functions(0.0)
    for each in shelf.values():
        try:
            cards.append(Card(each, each.summary(max(0.0, over - time.monotonic()))))
        except BeautyspotError as error:
            cards.append(Card(each, None, str(error)))
    return render(request, "stores.html", section="stores", cards=cards)


def health(request: Request) -> Response:
    """What is wrong with a store, or soon will be, as `beautyspot doctor` tells.

    It reads the whole store, so it is a page of its own, and goes on behind.
    """
    shelved = shelved_of(request)
    examine, findings = shelved.examine, None
    if examine is not None:
        findings = shelved.kept.get("health", lambda: list(examine()), kept.LONG)
    return render(
        request,
        "health.html",
        store=shelved,
        section="health",
        findings=findings,
        possible=examine is not None,
        command=command_line(shelved, "doctor"),
    )


routes = [
    Route("/", home, name="home"),
    Route("/stores", stores, name="stores"),
    Route("/store/{store}/health", health, name="health"),
]
