"""`Observers`: those who observe one Spot. An observer that raises is left out, and said.

The lines at the level DEBUG come from an observer of our own, which is there while the logger lets
them through. To ask the logger at each hit would cost all who want no lines: it is asked at the
first call of each function, and at each miss.

The events are imported when there is an observer: their classes take 1 ms of a start to make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from time import time
from typing import TYPE_CHECKING, Any, Final

from beautyspot import logs
from beautyspot.errors import ConfigError
from beautyspot.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from beautyspot.observing import (
        Cause,
        Event,
        Execution,
        Observer,
        Place,
        Reason,
        Refusal,
        Where,
    )

    Tell = Callable[[Event], object]
    Wrap = Callable[[Execution], AbstractContextManager[object] | None]
    Entered = list[tuple[Wrap, AbstractContextManager[object]]]

DEBUG: Final = 10

_ONE: Final = "a function of an event, or an object with a method observe, execution, or both"


class Parts:
    """What an observer is called by; None for what it does not do."""

    __slots__ = ("name", "tell", "wrap")

    def __init__(self, observer: Any) -> None:
        """Take an observer apart.

        Raises:
            ConfigError: it is none.
        """
        if isinstance(observer, type):
            name = observer.__qualname__
            raise ConfigError(f"observers= has the class {name}: give an instance, as {name}()")
        own = observer if callable(observer) else None
        self.tell: Tell | None = getattr(observer, "observe", own)
        self.wrap: Wrap | None = getattr(observer, "execution", None)
        named = getattr(observer, "__qualname__", None)
        self.name = named if isinstance(named, str) else type(observer).__qualname__
        if self.tell is None and self.wrap is None:
            raise ConfigError(f"observers= has {observer!r:.80}, which is no observer: give {_ONE}")
        for part in (self.tell, self.wrap):
            _check(part, self.name)


def _check(part: object, name: str) -> None:
    """Refuse a part that can't be called, or has to be awaited: nobody would learn of that."""
    if part is None:
        return
    import inspect

    if not callable(part):
        raise ConfigError(f"observers= has {name}, whose {part!r:.80} is no method: give {_ONE}")
    if inspect.iscoroutinefunction(part):
        raise ConfigError(
            f"observers= has {name}, which is asynchronous: nobody would await it. Give a plain "
            "function, which puts the events into a queue, say"
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
        told: what is called with each event; empty where nobody listens, so that no event is made.
        wraps: what is asked for a context of each execution.
        logs: whether the logger lets lines of a level through; of any, before it was asked first.
    """

    __slots__ = ("__weakref__", "_hit", "_is_logging", "_parts", "logs", "spot", "told", "wraps")

    def __init__(self, spot: str, given: Iterable[Observer] = ()) -> None:
        self.spot = spot
        self._parts = [Parts(each) for each in given]
        self.told: list[Tell] = [each.tell for each in self._parts if each.tell is not None]
        self.wraps: list[Wrap] = [each.wrap for each in self._parts if each.wrap is not None]
        self.logs: Callable[[int], bool] = bool
        self._is_logging = False
        if self.told:
            self._make_hits()

    def _make_hits(self) -> None:
        from beautyspot.observing import Hit

        self._hit = Hit  # to import it at each hit would take half as long as all the rest

    # -------------------------------------------------------------------------------- events

    def tell(self, event: Event) -> None:
        """Tell all of an event."""
        for told in self.told.copy():
            try:
                told(event)
            except Exception as error:
                self._leave_out(told, f"at a {type(event).__name__} of {event.function}", error)

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
        self.tell(self._hit(self.spot, function, key, saved or 0.0, age, price, place, size))

    def miss(self, function: str, key: str, reason: Reason) -> None:
        """Tell of a miss, once it is seen whether its line is wanted in the log."""
        if self.logs(DEBUG) is not self._is_logging:
            self.follow_level()
        if self.told:
            from beautyspot.observing import Miss

            self.tell(Miss(self.spot, function, key, reason))

    def waited(self, function: str, key: str, cause: Cause, seconds: float) -> None:
        """Tell that a call has waited."""
        if self.told:
            from beautyspot.observing import Waited

            self.tell(Waited(self.spot, function, key, cause, seconds))

    def refused(self, function: str, key: str, by: Refusal) -> None:
        """Tell that a call may not run, or its result not be stored."""
        if self.told:
            from beautyspot.observing import Refused

            self.tell(Refused(self.spot, function, key, by))

    def saved(
        self,
        function: str,
        key: str,
        size: int,
        seconds: float,
        place: Where,
        price: float | None,
        *,
        later: bool,
    ) -> None:
        """Tell that a result is stored now."""
        if self.told:
            from beautyspot.observing import Saved

            self.tell(Saved(self.spot, function, key, size, seconds, place, later, price))

    def failed(
        self,
        function: str,
        error: BaseException,
        *,
        key: str = "",
        operation: str = "run",
        seconds: float | None = None,
    ) -> None:
        """Tell that an execution has raised, or that something failed in beautyspot."""
        if self.told:
            from beautyspot.observing import Raised

            kind = type(error).__name__
            self.tell(Raised(self.spot, function, key, operation, kind, seconds))

    def ran(self, function: str, key: str, seconds: float) -> None:
        """Tell that an execution has returned."""
        if self.told:
            from beautyspot.observing import Ran

            self.tell(Ran(self.spot, function, key, seconds))

    def follow_level(self) -> None:
        """Log hits and misses from now on, if the logger's level is DEBUG, or do so no more."""
        if self.logs is bool:
            self.logs = logs.adapter().logger.isEnabledFor
        logs_then = self.logs(DEBUG)
        if logs_then is not self._is_logging:
            self._is_logging = logs_then
            self._make_hits()
            others = [each for each in self.told if each is not _log]
            self.told[:] = [_log, *others] if logs_then else others

    # ---------------------------------------------------------------------------- executions

    def enter(self, execution: Execution) -> Entered:
        """Enter the contexts of an execution."""
        entered: Entered = []
        try:
            for wrap in self.wraps.copy():
                try:
                    context = wrap(execution)
                    if context is not None:
                        context.__enter__()
                        entered.append((wrap, context))
                except Exception as error:
                    self._leave_out(wrap, f"before a run of {execution.function}", error)
        except BaseException as error:
            self.leave(entered, error, execution)
            raise
        return entered

    def leave(self, entered: Entered, error: BaseException | None, execution: Execution) -> None:
        """Leave the contexts, the last one first; what the function raised goes its way."""
        if not entered:
            return
        wrap, context = entered.pop()
        kind, trace = (None, None) if error is None else (type(error), error.__traceback__)
        try:
            context.__exit__(kind, error, trace)
        except Exception as raised:
            if raised is not error:
                self._leave_out(wrap, f"after a run of {execution.function}", raised)
        finally:
            self.leave(entered, error, execution)

    def _leave_out(self, part: object, when: str, error: Exception) -> None:
        """Call an observer no more, and say why."""
        self.told[:] = [told for told in self.told if told is not part]
        for one in self._parts.copy():
            if one.tell is not part and one.wrap is not part:
                continue
            with suppress(ValueError):  # another thread was faster
                self._parts.remove(one)
                self.told[:] = [told for told in self.told if told is not one.tell]
                self.wraps[:] = [wrap for wrap in self.wraps if wrap is not one.wrap]
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
