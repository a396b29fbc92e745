"""What is given to `dashboard`, as the shelf of its stores."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from beautyspot import BeautyspotError, ConfigError, Spot, Store, examine, open_store, open_stores

from beautyspot_dashboard.board import Board
from beautyspot_dashboard.shelf import Found, Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Openable: TypeAlias = "str | os.PathLike[str] | Store"


def shelf_of(
    stores: Openable | Iterable[Openable],
    spots: Spot | Iterable[Spot],
    *,
    read_only: bool | None,
) -> Board:
    """The board of what is given to `dashboard`; a folder that holds several stores gives each.

    Raises:
        ConfigError: nothing is given.
    """
    given = _listed(stores, (str, os.PathLike, Store))
    running = tuple(_listed(spots, Spot))
    if not given and not running:
        raise ConfigError("dashboard() has nothing to show: give it stores or spots=")
    sources = [_source(each) for each in given] + [partial(_of_spot, each) for each in running]
    return Board(Shelf(sources, read_only=read_only), running)


def _listed(given: Any, kinds: Any) -> list[Any]:
    return [given] if isinstance(given, kinds) else list(given)


def _source(given: Openable) -> Callable[[], list[Found]]:
    if isinstance(given, Store):
        found = Found(given.place, given.place, ("--store", given.place), lambda: given)
        return lambda: [found]
    return partial(_of_place, os.fspath(given))


def _of_place(where: str) -> list[Found]:
    try:
        stores = open_stores(where)
    except BeautyspotError:  # it may come yet: opening it says what is wrong
        return [_at("", where, where)]
    for store in stores:
        store.close()
    if len(stores) == 1:
        return [_at(stores[0].place, stores[0].place, where)]
    return [_at(store.place, store.place, store.place) for store in stores]


def _at(place: str, called: str, where: str) -> Found:
    look = partial(examine, where)
    return Found(place, called, ("--store", where), partial(open_store, where), look)


def _of_spot(spot: Spot) -> list[Found]:
    is_file = spot.config["metadata"] == "sqlite"
    place = str(spot.db_path)
    words = ("--store", place) if is_file else ("--name", spot.name)
    look = partial(examine, place) if is_file else None
    name = place if is_file else f"{spot.name} (Spot {id(spot):x})"
    return [Found(name, place, words, partial(open_store, spot), look)]
