"""The stores that a dashboard shows, each by a short name that stands in its URLs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from beautyspot import Store


@dataclass
class Shelved:
    """One store, opened when it is first looked at, and again after a failure.

    Attributes:
        slug: its name in URLs.
        words: what a command line names it by, such as ``("--store", "app.db")``.
        read_only: whether nothing may be removed from it.
    """

    slug: str
    words: tuple[str, ...]
    read_only: bool
    _open: Callable[[], Store]
    _store: Store | None = None

    def __post_init__(self) -> None:
        self._lock = Lock()

    def store(self) -> Store:
        """The store.

        Raises:
            BeautyspotError: it can't be opened; the next look tries again.
        """
        with self._lock:
            if self._store is None:
                self._store = self._open()
            return self._store

    def close(self) -> None:
        """Close the store, if it was opened."""
        with self._lock:
            store, self._store = self._store, None
        if store is not None:
            store.close()


class Shelf:
    """All stores of a dashboard, in the order in which they were given."""

    def __init__(self, stores: Iterable[Shelved]) -> None:
        self._stores = {each.slug: each for each in stores}

    def __iter__(self) -> Iterator[Shelved]:
        return iter(self._stores.values())

    def __len__(self) -> int:
        return len(self._stores)

    def get(self, slug: str) -> Shelved | None:
        """The store of a name; None where there is none."""
        return self._stores.get(slug)

    def close(self) -> None:
        """Close what was opened."""
        for each in self._stores.values():
            each.close()


def slug_of(place: str, taken: Iterable[str]) -> str:
    """A name for URLs, made of a path or URL, that no other store has."""
    stem = Path(place.rstrip("/")).stem
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:40] or "store"
    others, number, slug = set(taken), 2, name
    while slug in others:
        slug, number = f"{name}-{number}", number + 1
    return slug
