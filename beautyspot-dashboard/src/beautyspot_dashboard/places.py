"""The stores that a command line names, as the shelf of a dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from beautyspot import BeautyspotError, ConfigError, open_stores

from beautyspot_dashboard.board import Board
from beautyspot_dashboard.shelf import Shelf, Shelved, slug_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot import Store
    from beautyspot_cli.store_options import Place


def board_of(places: Iterable[Place], *, read_only: bool | None) -> Board:
    """The board of what a command line names; a folder that holds several stores gives each.

    Args:
        places: the stores. One that is not there yet is looked for again at each look.
        read_only: whether nothing can be removed; None: where a store is not on this machine.

    Raises:
        ConfigError: a path does not exist.
    """
    shelved: list[Shelved] = []
    for place, is_local in (found for each in places for found in _each(each)):
        slug = slug_of(place.name or _path(place), [one.slug for one in shelved])
        locked = not is_local if read_only is None else read_only
        shelved.append(Shelved(slug, _words(place), locked, place.open))
    return Board(Shelf(shelved))


def _each(place: Place) -> list[tuple[Place, bool]]:
    """The stores of a place, and whether each is on this machine."""
    store = place.store
    if store is None or store.startswith("sqlite://"):
        return _found(place)
    if "://" in store:
        return [(place, False)]
    if not Path(store).expanduser().exists():
        raise ConfigError(
            f"there is no file and no folder {store}: give the path of a database, of a folder "
            ".beautyspot or the one that holds it, or a URL"
        )
    return _found(place)


def _found(place: Place) -> list[tuple[Place, bool]]:
    _, name, profile, config, storage = place
    try:
        found = open_stores(
            place.where(), name=name, profile=profile, config=config, storage=storage
        )
    except ConfigError:  # there is none yet, in a folder
        return [(place, True)]
    except BeautyspotError:  # it is away
        return [(place, False)]
    for each in found:
        each.close()
    if len(found) == 1:
        return [(place, _is_local(found[0]))]
    return [(place._replace(store=each.place), _is_local(each)) for each in found]


def _is_local(store: Store) -> bool:
    return Path(store.place).is_file()


def _path(place: Place) -> str:
    """What a place is called by: its file or folder, or the folder that holds `.beautyspot`."""
    path = Path(place.where() or ".beautyspot").expanduser().absolute()
    return str(path.parent if path.name == ".beautyspot" else path)


def _words(place: Place) -> tuple[str, ...]:
    given = place._asdict().items()
    return tuple(word for name, value in given if value for word in (f"--{name}", value))
