"""The value that was decoded last, for the next page of it: to decode a large one takes seconds."""

from __future__ import annotations

from threading import Lock, Timer
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS: Final = 60
"""How long it stays in memory after the last look at it."""

SMALL: Final = 500_000
"""Bytes of a value that is decoded anew each time."""


class Recent:
    """One value, and what it is the value of."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: tuple[Any, Any] | None = None
        self._timer: Timer | None = None

    def get(self, mark: object, decode: Callable[[], Any]) -> Any:
        """The value of a mark, decoded if it is another one than the last."""
        with self._lock:
            held = self._held
        value = held[1] if held is not None and held[0] == mark else decode()
        with self._lock:
            self._held = (mark, value)
            self._forget_later()
        return value

    def forget(self) -> None:
        """Hold no value."""
        with self._lock:
            self._held = None

    def _forget_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = Timer(_SECONDS, self.forget)
        self._timer.daemon = True
        self._timer.start()


RECENT: Final = Recent()
