"""The stores that a command line names, as the shelf of a dashboard."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from beautyspot import BeautyspotError, ConfigError, examine, open_stores

from beautyspot_dashboard.board import Board
from beautyspot_dashboard.shelf import Found, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot import Finding
    from beautyspot_cli.options import Place


def board_of(places: Iterable[Place], *, read_only: bool | None) -> Board:
    """The board of what a command line names; a folder that holds several stores gives each.

    Args:
        places: the stores. One that is not there yet is looked for again at each look.
        read_only: whether nothing can be removed; None: where a store is not on this machine.

    Raises:
        ConfigError: a path does not exist.
    """
    given = list(places)
    for place in given:
        _check(place)
    return Board(Shelf([partial(_found, place) for place in given], read_only=read_only))


def _check(place: Place) -> None:
    if place.store is None or "://" in place.store:
        return
    if not Path(place.store).expanduser().exists():
        raise ConfigError(
            f"there is no file and no folder {place.store}: give the path of a database, of a "
            "folder .beautyspot or the one that holds it, or a URL"
        )


def _found(place: Place) -> list[Found]:
    """Each store of a place; the place itself where there is none now."""
    _, name, profile, config, storage = place
    try:
        found = open_stores(
            place.where(), name=name, profile=profile, config=config, storage=storage
        )
    except BeautyspotError:
        return [_at(place, "")]
    for each in found:
        each.close()
    if len(found) == 1:
        return [_at(place, found[0].place)]
    return [_at(place._replace(store=each.place), each.place) for each in found]


def _at(place: Place, shown: str) -> Found:
    return Found(
        shown, place.name or _path(place), _words(place), place.open, partial(_examined, place)
    )


def _examined(place: Place) -> Iterator[Finding]:
    _, name, profile, config, storage = place
    return examine(place.where(), name=name, profile=profile, config=config, storage=storage)


def _path(place: Place) -> str:
    """What a place is called by: its URL, file, folder, or the folder that holds `.beautyspot`."""
    where = place.where() or ".beautyspot"
    if "://" in where:
        return where
    path = Path(where).expanduser().absolute()
    return str(path.parent if path.name == ".beautyspot" else path)


def _words(place: Place) -> tuple[str, ...]:
    given = place._asdict().items()
    return tuple(word for name, value in given if value for word in (f"--{name}", value))
