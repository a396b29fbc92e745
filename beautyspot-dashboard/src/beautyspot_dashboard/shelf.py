"""The stores that a dashboard shows, each by a short name that stands in its URLs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from beautyspot import BeautyspotError

from beautyspot_dashboard.kept import ALWAYS, Kept
from beautyspot_dashboard.masking import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from beautyspot import Finding, Store


class Found(NamedTuple):
    """A store that was found, or a place where there is none yet.

    Attributes:
        place: where it is, for people, which no other store has; "" where there is none yet.
        called: a path or a name, of which its name in URLs is made.
        words: what a command line names it by, such as ``("--store", "app.db")``.
        open: opens it.
        examine: finds out what is wrong with it; None where that takes its command line.
    """

    place: str
    called: str
    words: tuple[str, ...]
    open: Callable[[], Store]
    examine: Callable[[], Iterator[Finding]] | None = None


@dataclass
class Shelved:
    """One store, opened when it is first looked at, and again after a failure.

    Attributes:
        slug: its name in URLs.
        found: where it is.
        kept: what was worked out of it.
    """

    slug: str
    found: Found
    locked: bool | None
    kept: Kept = field(default_factory=Kept)
    _store: Store | None = None

    def __post_init__(self) -> None:
        self._lock = Lock()

    @property
    def words(self) -> tuple[str, ...]:
        """What a command line names it by, such as ``("--store", "app.db")``."""
        return self.found.words

    @property
    def read_only(self) -> bool:
        """Whether nothing may be removed; where nobody said so: if it is not on this machine."""
        if self.locked is not None:
            return self.locked
        try:
            return self.store().metadata.remote
        except BeautyspotError:  # it may come yet, or again
            return any("://" in word and not word.startswith("sqlite:") for word in self.words)

    def store(self) -> Store:
        """The store.

        Raises:
            BeautyspotError: it can't be opened; the next look tries again.
        """
        with self._lock:
            if self._store is None:
                self._store = self.found.open()
            return self._store

    @property
    def price_unit(self) -> str:
        """The unit of prices, as far as it is known."""
        found = self.kept.get("unit", lambda: self.store().price_unit, keep=ALWAYS)
        try:
            return "" if found is None else found.value
        except BeautyspotError:  # whatever else the page shows says it
            return ""

    @property
    def is_damaged(self) -> bool:
        """Whether looking has found rows that can't be read."""
        store = self._store
        return store is not None and store.metadata.lost > 0

    def close(self) -> None:
        """Close the store, if it was opened."""
        with self._lock:
            store, self._store = self._store, None
        if store is not None:
            store.close()


class Shelf:
    """All stores of a dashboard, in the order in which they were given.

    Args:
        sources: the places where they are. Each finds its stores anew when somebody looks at the
            list, since a folder may get others; it gives one without a `place` while there is none.
        read_only: whether nothing may be removed; None: where a store is not on this machine.
    """

    def __init__(
        self, sources: Iterable[Callable[[], list[Found]]], *, read_only: bool | None
    ) -> None:
        self._read_only = read_only
        self._lock = Lock()
        self._stores: dict[str, Shelved] = {}
        self._sources = [(find, dict[str, Shelved]()) for find in sources]
        self.look_again()

    def look_again(self) -> None:
        """Find what has come since. What is gone stays, and says so when it is opened."""
        with self._lock:
            for find, known in self._sources:
                for found in find():
                    self._put(found, known)

    def _put(self, found: Found, known: dict[str, Shelved]) -> None:
        words = tuple(map(masked, found.words))
        found = found._replace(called=masked(found.called), words=words)
        if not found.place and known:
            return
        shelved = known.get(found.place) or known.pop("", None)  # its place has a store by now
        if shelved is None:
            slug = slug_of(found.called, self._stores)
            shelved = self._stores[slug] = Shelved(slug, found, self._read_only)
        shelved.found = found
        known[found.place] = shelved

    def __iter__(self) -> Iterator[Shelved]:
        return iter(list(self._stores.values()))

    def __len__(self) -> int:
        return len(self._stores)

    def get(self, slug: str) -> Shelved | None:
        """The store of a name; None where there is none."""
        return self._stores.get(slug)

    def close(self) -> None:
        """Close what was opened."""
        for each in self:
            each.close()


def slug_of(place: str, taken: Iterable[str]) -> str:
    """A name for URLs, made of a path or URL, that no other store has."""
    stem = Path(place.rstrip("/")).stem
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:40] or "store"
    others, number, slug = set(taken), 2, name
    while slug in others:
        slug, number = f"{name}-{number}", number + 1
    return slug
