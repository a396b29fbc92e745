"""`Observers`: those who observe one Spot. An observer that raises is left out, and said.

The lines at the level DEBUG come from an observer of our own, which is there while the logger lets
them through. To ask the logger at each call would cost all who want no lines: it is asked at the
first call of each function, and by misses, once a second.

The events are imported when there is one to tell: their classes take 1 ms of a start to make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import ConfigError
from beautyspot.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from beautyspot.observing import Event, Execution, Observer, Place, Reason

    Tell = Callable[[Event], object]
    Wrap = Callable[[Execution], AbstractContextManager[object] | None]
    Entered = list[tuple["Parts", AbstractContextManager[object]]]

_DEBUG: Final = 10

LEVEL: Final = 1.0
"""Seconds after which a miss has the logger asked for its level once more."""

_ONE: Final = "a function of an event, or an object with a method observe, execution, or both"


class Parts:
    """What an observer is called by; None for what it does not do."""

    __slots__ = ("name", "tell", "wrap")

    def __init__(self, observer: Any) -> None:
        """Take an observer apart.

        Raises:
            ConfigError: it is none: a class, say, or it has to be awaited, and nobody would do so.
        """
        from inspect import iscoroutinefunction

        own = observer if callable(observer) else None
        self.tell: Tell | None = getattr(observer, "observe", own)
        self.wrap: Wrap | None = getattr(observer, "execution", None)
        self.name = str(getattr(observer, "__qualname__", type(observer).__qualname__))
        parts: list[Any] = [part for part in (self.tell, self.wrap) if part is not None]
        fit = all(callable(part) and not iscoroutinefunction(part) for part in parts)
        if isinstance(observer, type) or not parts or not fit:
            raise ConfigError(
                f"observers= has {observer!r:.80}, which is no observer: give {_ONE}. A class is "
                f"none (give an instance), nor is what is asynchronous (have it fill a queue, say)"
            )


def checked(observers: object) -> tuple[Observer, ...]:
    """The observers that a user gave.

    Raises:
        ConfigError: that is no list, or one of them is no observer.
    """
    if isinstance(observers, str | bytes | Mapping) or not isinstance(observers, Iterable):
        raise ConfigError(
            f"observers={observers!r:.80} is no list: give observers=[...], and in it each is "
            f"{_ONE}"
        )
    given = tuple(observers)
    for each in given:
        Parts(each)
    return given


class Observers:
    """Those who observe one Spot. The Spot alone keeps them: they may lead back to it.

    Attributes:
        spot: its name.
        on_error: called with each `Trouble`; None where nobody wants to know.
        told: those who are told of events; empty where nobody listens, so that no event is made.
        wraps: those who are asked for a context of each execution.
        asks_at: when the next miss has the logger asked for its level, by `perf_counter`.
    """

    __slots__ = ("__weakref__", "asks_at", "on_error", "spot", "told", "wraps")

    def __init__(
        self,
        spot: str,
        given: Iterable[Observer] = (),
        on_error: Callable[[Any], object] | None = None,
    ) -> None:
        if on_error is not None and not callable(on_error):
            raise ConfigError(f"on_error={on_error!r:.80} is no function: give one of a Trouble")
        self.spot, self.on_error = spot, on_error
        parts = [Parts(each) for each in given]
        self.told = [each for each in parts if each.tell is not None]
        self.wraps = [each for each in parts if each.wrap is not None]
        self.asks_at = 0.0

    # -------------------------------------------------------------------------------- events

    def tell(self, kind: str, function: str, key: str, *about: object) -> None:
        """Tell all of an event, where anybody listens.

        Args:
            kind: the name of its class, in `beautyspot.observing`.
            function: its second field; the first one is the Spot's name.
            key: the third one.
            about: the others.
        """
        if not self.told:
            return
        from beautyspot import observing

        event = getattr(observing, kind)(self.spot, function, key, *about)
        for one in self.told.copy():
            try:
                one.tell(event)  # type: ignore[misc]  # it is there, see `told`
            except Exception as error:
                self._leave_out(one, f"at a {kind} of {function}", error)

    def hit(
        self,
        function: str,
        key: str,
        saved: float | None,
        made_at: float | None,
        price: float | None,
        place: Place,
        size: int | None,
    ) -> None:
        """Tell of a hit."""
        age = None if made_at is None else max(0.0, time() - made_at)
        self.tell("Hit", function, key, saved or 0.0, age, price, place, size)

    def miss(self, function: str, key: str, reason: Reason) -> None:
        """Tell of a miss, once it is seen whether its line is wanted in the log."""
        if perf_counter() >= self.asks_at:
            self.follow_level()
        self.tell("Miss", function, key, reason)

    def follow_level(self) -> None:
        """Log hits and misses from now on, if the logger's level is DEBUG, or do so no more."""
        self.asks_at = perf_counter() + LEVEL
        others = [one for one in self.told if one is not _LOG]
        self.told[:] = [_LOG, *others] if logger.isEnabledFor(_DEBUG) else others

    # ---------------------------------------------------------------------------- executions

    def enter(self, execution: Execution) -> Entered:
        """Enter the contexts of an execution."""
        entered: Entered = []
        for one in self.wraps.copy():
            try:
                context = one.wrap(execution)  # type: ignore[misc]  # it is there, see `wraps`
                if context is not None:
                    context.__enter__()
                    entered.append((one, context))
            except Exception as error:
                self._leave_out(one, f"before a run of {execution.function}", error)
        return entered

    def leave(self, entered: Entered, error: BaseException | None, execution: Execution) -> None:
        """Leave the contexts, the last one first; what the function raised goes its way."""
        kind, trace = (None, None) if error is None else (type(error), error.__traceback__)
        while entered:
            one, context = entered.pop()
            try:
                context.__exit__(kind, error, trace)
            except Exception as raised:
                if raised is not error:
                    self._leave_out(one, f"after a run of {execution.function}", raised)

    def _leave_out(self, one: Parts, when: str, error: Exception) -> None:
        """Call an observer no more, and say why."""
        is_known = one in self.told or one in self.wraps  # else another thread was faster
        for those in (self.told, self.wraps):
            with suppress(ValueError):
                those.remove(one)
        if is_known:
            logger.warning(
                "%s: the observer %s raised %s %s, and is left out from now on. Mend it: an "
                "observer may not raise",
                *(self.spot, one.name, type(error).__name__, when),
                exc_info=error,
            )


NOBODY: Final = Observers("")
"""The observers of a Spot that is gone."""


_FOUND: Final[dict[Place, str]] = {
    "store": "found in the store",
    "memory": "found in memory, before it is stored",
    "run": "got from another call",
}


def _log(event: Event) -> None:
    """Log a hit or a miss."""
    from beautyspot.observing import Hit, Miss

    if isinstance(event, Hit):
        logger.debug(
            "%s: hit: %s (key %s): %s%s; it took %.3g s to compute",
            *(event.spot, event.function, event.key, _FOUND[event.place], _made(event.age)),
            event.saved,
        )
    elif isinstance(event, Miss):
        logger.debug(
            "%s: miss: %s (key %s): %s",
            *(event.spot, event.function, event.key or "none", event.reason),
        )


def _made(age: float | None) -> str:
    return "" if age is None else f", made {age:.3g} s ago"


_LOG: Final = Parts(_log)
