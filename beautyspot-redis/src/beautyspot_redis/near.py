"""The memory tier: what `find` gave a moment ago; no answer is older than is stated."""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING, Final

from beautyspot.contracts import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.contracts import Plain

OVERHEAD: Final = 600
"""Bytes that an answer takes beside its data, roughly."""


_all: weakref.WeakValueDictionary[int, NearMemory] = weakref.WeakValueDictionary()
"""Those of this process."""


def of_place(place: tuple[str, str]) -> list[NearMemory]:
    """The memories of this process that keep results of a place."""
    found = [ref() for ref in _all.valuerefs()]  # a list at once: threads may make others
    return [near for near in found if near is not None and near.place == place]


class NearMemory:
    """Answers of `find`, the last used ones; at most so many bytes of them, and of such an age.

    Args:
        size: bytes.
        age: seconds for which an answer is given.
        place: the server and the namespace.
    """

    def __init__(
        self,
        size: int,
        age: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        place: tuple[str, str] = ("", ""),
    ) -> None:
        self.place: Final = place
        self._most, self._age, self._clock = size, age, clock
        self._kept: dict[str, tuple[Plain | Entry, float, int]] = {}
        self._size = 0
        self._changes = 0
        self._lock = threading.Lock()
        _all[id(self)] = self

    def get(self, key: str) -> Plain | Entry | None:
        """What was found for a key, if that is not too old."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if self._clock() >= kept[1]:
            self.drop(key)
            return None
        with self._lock:
            if self._kept.pop(key, None) is not None:
                self._kept[key] = kept  # the last used one is the last
        return kept[0]

    def of(self, keys: Iterable[str]) -> dict[str, Plain | Entry]:
        """The same for several keys; without those for which nothing is kept."""
        return {key: kept for key in keys if (kept := self.get(key)) is not None}

    def moment(self) -> tuple[float, int]:
        """When the server is asked, for `add`."""
        return self._clock(), self._changes

    def add(self, key: str, found: Plain | Entry, moment: tuple[float, int]) -> None:
        """Keep what the server was asked for at a moment; not if anything was dropped since."""
        asked, changes = moment
        data = found.result_data if isinstance(found, Entry) else found[0]
        size = OVERHEAD + 2 * len(key) + len(data or b"")
        if size > self._most:
            return
        with self._lock:
            if changes != self._changes:
                return
            self._remove(key)
            self._kept[key] = found, asked + self._age, size
            self._size += size
            while self._size > self._most:
                self._remove(next(iter(self._kept)))

    def drop(self, *keys: str) -> None:
        """Forget these keys: this process has changed them."""
        with self._lock:
            self._changes += 1
            for key in keys:
                self._remove(key)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._changes += 1
            self._kept.clear()
            self._size = 0

    def _remove(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= kept[2]
