"""What is given to a dashboard, as the shelf of its stores."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from beautyspot import ConfigError, Spot, Store, open_store

from beautyspot_dashboard.board import Board
from beautyspot_dashboard.shelf import Shelf, Shelved, slug_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Openable: TypeAlias = "str | os.PathLike[str] | Store"


def shelf_of(
    stores: Openable | Iterable[Openable], spots: Spot | Iterable[Spot], *, read_only: bool
) -> Board:
    """The board of what is given to `dashboard`.

    Raises:
        ConfigError: nothing is given.
    """
    given = _listed(stores, (str, os.PathLike, Store))
    running = tuple(_listed(spots, Spot))
    if not given and not running:
        raise ConfigError("dashboard() has nothing to show: give it stores or spots=")
    shelved: list[Shelved] = []
    for each in (*given, *running):
        place = str(each.db_path) if isinstance(each, Spot) else _place(each)
        slug = slug_of(place, [one.slug for one in shelved])
        shelved.append(Shelved(slug, ("--store", place), read_only, _opener(each)))
    return Board(Shelf(shelved), running)


def _listed(given: Any, kinds: Any) -> list[Any]:
    return [given] if isinstance(given, kinds) else list(given)


def _place(given: Openable) -> str:
    return given.place if isinstance(given, Store) else os.fspath(given)


def _opener(given: Openable | Spot) -> Callable[[], Store]:
    if isinstance(given, Store):
        return lambda: given
    return partial(open_store, cast("Any", given))
