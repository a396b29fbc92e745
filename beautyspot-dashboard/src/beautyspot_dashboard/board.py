"""`Board`: what the pages of one dashboard are about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from starlette.exceptions import HTTPException

from beautyspot_dashboard.removals import Removals

if TYPE_CHECKING:
    from beautyspot import Spot, Store
    from starlette.requests import Request

    from beautyspot_dashboard.shelf import Shelf, Shelved


@dataclass(frozen=True)
class Board:
    """What the pages of one dashboard are about.

    Attributes:
        shelf: the stores.
        spots: the Spots of this process, where the dashboard is mounted in one.
        removals: what is removed, and was shown to be.
    """

    shelf: Shelf
    spots: tuple[Spot, ...] = ()
    removals: Removals = field(default_factory=Removals)


def board_of(request: Request) -> Board:
    """The board of the dashboard that is asked."""
    return cast("Board", request.app.state.board)


def shelved_of(request: Request) -> Shelved:
    """The store that the URL names.

    Raises:
        HTTPException: there is none of that name.
    """
    slug = request.path_params["store"]
    found = board_of(request).shelf.get(slug)
    if found is None:
        raise HTTPException(404, f"there is no store {slug!r} here: see the list of stores")
    return found


def store_of(request: Request) -> Store:
    """The store that the URL names, opened.

    Raises:
        HTTPException: there is none of that name.
        BeautyspotError: it can't be opened.
    """
    return shelved_of(request).store()
