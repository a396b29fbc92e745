"""`/`: the stores; of a single one, what is in it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beautyspot import BeautyspotError
from starlette.responses import RedirectResponse
from starlette.routing import Route

from beautyspot_dashboard import kept
from beautyspot_dashboard.board import board_of
from beautyspot_dashboard.rendering.links import href
from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.summaries import Summary, begin_summary, summary

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.shelf import Shelved


@dataclass(frozen=True)
class Card:
    """One store in the list: its numbers, or why there are none."""

    store: Shelved
    place: str
    summary: Summary | None
    problem: str = ""
    is_awaited: bool = False  # nothing was stored there yet


def home(request: Request) -> Response:
    """The list of stores, or the one that there is."""
    shelf = list(board_of(request).shelf)
    if len(shelf) == 1:
        return RedirectResponse(href(request, "functions", store=shelf[0].slug), 302)
    return stores(request)


def stores(request: Request) -> Response:
    """All stores, and how they are."""
    shelf = board_of(request).shelf
    shelf.look_again()
    for each in shelf:
        begin_summary(each)
    over = time.monotonic() + kept.SOON
    cards = [_card(each, max(0.0, over - time.monotonic())) for each in shelf]
    counting = any(card.summary is not None and card.summary.counting for card in cards)
    return render(request, "stores.html", section="stores", cards=cards, counting=counting)


def _card(shelved: Shelved, wait: float) -> Card:
    try:
        return Card(shelved, shelved.store().place, summary(shelved, wait))
    except BeautyspotError as error:
        place = shelved.found.place or shelved.found.called
        is_awaited = not shelved.found.place and "there is no store in" in str(error)
        return Card(shelved, place, None, str(error), is_awaited)


routes = [Route("/", home, name="home"), Route("/stores", stores, name="stores")]
