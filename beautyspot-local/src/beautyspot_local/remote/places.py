"""So many at once may use a server; who comes when all places are taken waits for the next one."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING

from beautyspot.contracts import Lock

if TYPE_CHECKING:
    from collections.abc import Iterator


class Places:
    """The places for one server. An interrupt gives back what it ends the use of.

    Args:
        number: of places.
    """

    def __init__(self, number: int) -> None:
        # One waits for a place, others for their turn: who comes back at once is behind them.
        self._turn = Lock()
        self._free: SimpleQueue[int] = SimpleQueue()
        for place in range(number):
            self._free.put(place)

    @contextmanager
    def one(self, deadline: float) -> Iterator[bool]:
        """In the block, have a place; gives False where none was free by then.

        Args:
            deadline: until when to wait for one, by `time.monotonic`.
        """
        place: int | None = None
        try:
            with self._turn, suppress(Empty):
                take = partial(self._free.get, timeout=max(0.0, deadline - monotonic()))
                for place in iter(take, None):  # noqa: B007 - bound without a look at signals
                    break
            yield place is not None
        finally:
            if place is not None:
                self._free.put(place)
