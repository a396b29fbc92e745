"""`Board`: what a dashboard shows: stores, each by a short name in its URLs, and Spots."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, cast

from beautyspot import (
    BeautyspotError,
    ConfigError,
    Counts,
    Spot,
    Store,
    StoredFunction,
    examine,
    open_store,
    open_stores,
)
from beautyspot_cli.formats import safe
from starlette.exceptions import HTTPException

from beautyspot_dashboard.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from beautyspot import Finding
    from starlette.requests import Request

Openable: TypeAlias = "str | os.PathLike[str] | Store"

_OFFERED: Final = 500
"""Names of functions that a field of a form offers."""

_USERINFO: Final = r"(?<=://)(?:[^/?#@\s]+:(?!\d*(?:[/?#]|$))\S*|[^/?#\s]*)@"
"""What stands in front of a host. A password may have a "/" in it that should have been quoted."""

_OPTION: Final = r"(?i)([?&][^=&]*(?:pass|pwd|secret|token|key|sig|cred|auth)[^=&]*=)[^&]+"


class Summary(NamedTuple):
    """A store in numbers."""

    functions: list[StoredFunction]  # while it is being counted, what was saved by each
    counting: bool  # whether it is still being counted what is stored
    counts: Counts  # the sums over all functions

    @property
    def entries(self) -> int:
        """How many results are stored."""
        return sum(each.entries for each in self.functions)

    @property
    def size(self) -> int:
        """Their bytes."""
        return sum(each.size for each in self.functions)

    @property
    def newest(self) -> float | None:
        """When the last of them was made, in Unix time."""
        return max((each.newest for each in self.functions if each.newest), default=None)

    @property
    def share(self) -> float | None:
        """The part of all calls that were hits; None where nothing was called."""
        calls = self.counts.hits + self.counts.runs
        return self.counts.hits / calls if calls else None


@dataclass
class Shelved:
    """One store, opened when it is first looked at, and again after a failure.

    Attributes:
        slug: its name in URLs.
        place: where it is, for people.
        words: what a command line names it by, such as ``("--store", "app.db")``.
        open: opens it.
        examine: finds out what is wrong with it; None where that takes its command line.
        locked: whether nothing may be removed; None: if it is not on this machine.
        kept: what was worked out of it.
    """

    slug: str
    place: str
    words: tuple[str, ...]
    open: Callable[[], Store]
    examine: Callable[[], Iterator[Finding]] | None = None
    locked: bool | None = None
    kept: Kept = field(default_factory=Kept)
    _opened: Store | None = None
    _lock: Lock = field(default_factory=Lock)

    def store(self) -> Store:
        """The store.

        Raises:
            BeautyspotError: it can't be opened; the next look tries again.
        """
        with self._lock:
            if self._opened is None:
                self._opened = self.open()
            return self._opened

    def close(self) -> None:
        """Close it, if it was opened."""
        if self._opened is not None:
            self._opened.close()

    @property
    def read_only(self) -> bool:
        """Whether nothing may be removed."""
        try:
            return self.store().metadata.remote if self.locked is None else self.locked
        except BeautyspotError:  # it may come yet, or again
            return True

    @property
    def price_unit(self) -> str:
        """The unit of prices, as far as it is known; it asks the store."""
        try:
            return self.store().price_unit
        except BeautyspotError:  # whatever else the page shows says it
            return ""

    @property
    def is_damaged(self) -> bool:
        """Whether looking has found rows that can't be read."""
        return self._opened is not None and self._opened.metadata.lost > 0

    def functions(self, wait: float | None = None) -> list[StoredFunction] | None:
        """Its functions; None where it takes long to count them: ask again."""
        return self.kept.get("functions", lambda: self.store().functions(), wait)

    def function_names(self) -> list[str]:
        """Those that a field of a form offers: some, and none that can't be shown as it is."""
        names = [each.name for each in self.functions() or ()]
        return [name for name in names[:_OFFERED] if safe(name) == name]

    def summary(self, wait: float | None = None) -> Summary:
        """Its numbers: all of them, or those that come at once.

        Raises:
            BeautyspotError: the store can't be read.
        """
        functions = self.functions(wait)
        if functions is not None:
            return Summary(functions, False, summed(each.counts for each in functions))
        found = self.store().counts(hourly=False)
        counts = [each for each in found if each.hits or each.runs]
        some = [StoredFunction(each[0], 0, 0, None, None, each, None) for each in counts]
        return Summary(some, True, summed(counts))


def summed(counts: Iterable[Counts]) -> Counts:
    """The sum of counts, of no function and no hour."""
    sums: list[Any] = [sum(column) for column in zip(*(each[2:] for each in counts), strict=True)]
    return Counts("", 0, *sums)


@dataclass
class Board:
    """What the pages of one dashboard are about.

    Attributes:
        shelf: the stores, by their slugs.
        spots: the Spots of this process, where the dashboard is mounted in one.
    """

    shelf: dict[str, Shelved] = field(default_factory=dict)
    spots: tuple[Spot, ...] = ()

    def put(self, **fields: Any) -> None:
        """Put a store there; for the fields see `Shelved`."""
        fields["place"] = masked(fields["place"])
        fields["words"] = tuple(map(masked, fields["words"]))
        stem = Path(fields["place"].rstrip("/")).stem
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:40] or "store"
        names = chain([name], (f"{name}-{number}" for number in count(2)))
        slug = next(each for each in names if each not in self.shelf)
        self.shelf[slug] = Shelved(slug, **fields)

    def put_place(self, where: str | None, options: Mapping[str, Any], locked: bool | None) -> None:
        """Put the store of a place there; a folder that holds several gives each.

        Args:
            where, options: as `open_stores` takes them.
            locked: see `Shelved`.
        """
        for each, place in _places(where, options):
            given = {"store": each, **options}
            words = [(f"--{name}", str(text)) for name, text in given.items() if text is not None]
            self.put(
                place=place,
                words=chain.from_iterable(words),
                open=partial(open_store, each, **options),
                examine=partial(examine, each, **options),
                locked=locked,
            )


def _places(where: str | None, options: Mapping[str, Any]) -> list[tuple[str | None, str]]:
    """Each store of a place, as `open_store` takes it, and as people call it."""
    try:
        stores = open_stores(where, **options)
    except BeautyspotError:  # it may come yet: opening it says what is wrong
        return [(where, where or ".")]
    for store in stores:
        store.close()
    if len(stores) == 1:
        return [(where, stores[0].place)]
    return [(store.place, store.place) for store in stores]


def make_board(
    stores: Openable | Iterable[Openable],
    spots: Spot | Iterable[Spot] = (),
    *,
    read_only: bool | None,
) -> Board:
    """The board of what is given to `dashboard`.

    Raises:
        ConfigError: nothing is given.
    """
    given = [stores] if isinstance(stores, str | os.PathLike | Store) else list(stores)
    board = Board(spots=(spots,) if isinstance(spots, Spot) else tuple(spots))
    if not given and not board.spots:
        raise ConfigError("dashboard() has nothing to show: give it stores or spots=")
    for each in given:
        if isinstance(each, Store):
            words = ("--store", each.place)
            board.put(place=each.place, words=words, open=each.__enter__, locked=read_only)
        else:
            board.put_place(os.fspath(each), {}, read_only)
    for spot in board.spots:
        is_file = spot.config["metadata"] == "sqlite"
        place = str(spot.db_path) if is_file else spot.name
        board.put(
            place=place,
            words=("--store", place) if is_file else ("--name", place),
            open=partial(open_store, spot),
            examine=partial(examine, place) if is_file else None,
            locked=read_only,
        )
    return board


def masked(word: str) -> str:
    """The word of a command line, with ``***`` for what is secret if it is a URL."""
    if "://" not in word:
        return word
    return re.sub(_OPTION, r"\1***", re.sub(_USERINFO, "***@", word))


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
