"""What happens when our own code fails: it is logged once, counted, and never reaches the user.

The logger is `beautyspot`. Warnings of the module `warnings` are not used: `-W error` would turn
them into the very crash that they are to replace.
"""

from __future__ import annotations

import re
import threading
import time
import weakref
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.errors import (
    BeautyspotError,
    ConfigError,
    MetadataError,
    SerializationError,
    StorageError,
    UnstableKeyError,
)
from beautyspot.files import advised
from beautyspot.logs import logger
from beautyspot.messages import less_secrets, masked
from beautyspot.resilience.circuit_breaker import Resting, is_of_handler
from beautyspot.resilience.observers import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.resilience.observers import Observers

    Cause = tuple[str, str, type[Exception], str]

QUIET: Final = 60.0
"""Seconds within which a backend that fails again after working again is not news."""

CAUSES: Final = 1000
"""So many different causes are remembered as logged; it bounds the memory, not the counts."""

SEVERAL: Final = 10
"""So many causes are logged for one function and operation, or one backend and operation."""

OPENING: Final = "open the metadata store"
"""The operation that every other one of the store needs: it fails, so do they."""

STORING: Final = "store the result"
"""The operation that turns a result into bytes."""

LIMITER: Final = "limiter"
ASKING: Final = "ask the limiter"
RETURNING: Final = "give back a permit"
SETTLING: Final = "settle a cost"
PAUSING: Final = "pause the limiter"
PLACING: Final = "take a place of all processes"
"""The point of the limiter, and its operations."""

_OF_LIMITER: Final = frozenset({ASKING, RETURNING, SETTLING, PAUSING, PLACING})

_BEFOREHAND: Final = frozenset(
    {"make a key", "look up", "restore", "take a lease", ASKING, PLACING}
)
"""The operations that come before the function, which is not to run where the user ends the call.

Later there is a result, which is not to be lost.
"""

_UNSTORED: Final = frozenset(
    {"make a key", STORING, "store the stream", "ask cache_if", "ask for the ttl and the tags"}
)
"""The operations whose failure leaves a result without a place."""

LONGEST: Final = 500
"""Characters of a reason that are kept."""

_NAMING: Final = (UnstableKeyError, SerializationError, ConfigError)
"""Errors whose messages begin with what they are about."""


class Trouble(NamedTuple):
    """One failure of beautyspot, as `on_error` gets it.

    Attributes:
        spot: the Spot's name.
        operation: what was tried: "make a key", "look up", "restore", "store the result" (make
            bytes of it), "save a blob", "save the result", "take a lease", "open the metadata
            store", ….
        function: the identifier of the marked function, or "" if no function is concerned.
        error: what was raised.
        advice: what happens now, and what to do.
    """

    spot: str
    operation: str
    function: str
    error: Exception
    advice: str

    def __str__(self) -> str:
        where = f" for {self.function}" if self.function else ""
        said = _with_advice(_words(self.error), self.advice)
        return f"{self.spot}: could not {self.operation}{where}: {said}"


def _with_advice(words: str, advice: str) -> str:
    """What was said of an error, as a sentence, and what to do."""
    return f"{words}{'' if words.endswith(('.', '?', '!')) else '.'} {advice}"


def _words(error: Exception) -> str:
    """The type of an error, and its message less secrets; Python's own `MemoryError` has none."""
    said = less_secrets(str(error)) if isinstance(error, BeautyspotError) else masked(str(error))
    if not said and isinstance(error, MemoryError):
        said = "there is not enough memory: give the process more, or it smaller parts"
    return f"{type(error).__name__}: {said}".removesuffix(": ")


def _cause(trouble: Trouble) -> Cause:
    """What counts as one cause.

    An outage of a backend is one cause for each operation and class of error, for all functions;
    of the limiter, whose errors have no class of their own, for each operation.
    What a function's arguments or results lack is one for each place and type; see `_detail`.
    """
    kind = type(trouble.error)
    for point, family in (("metadata", MetadataError), ("storage", StorageError)):
        if issubclass(kind, family):
            return point, trouble.operation, kind, ""
    if trouble.operation in _OF_LIMITER and not trouble.function:
        return LIMITER, trouble.operation, kind, ""
    return trouble.operation, trouble.function, kind, _detail(trouble.error)


def _detail(error: Exception) -> str:
    """The beginning of a message that names a place and a type, without the number of the element.

    What follows is advice, or is about one value.
    """
    if not isinstance(error, _NAMING):
        return ""
    text = ": ".join(str(error).split(": ", 2)[:2])
    return re.sub(r"(?<!args)\[[^\]]*\]", "[]", text)


class Reporter:
    """Logs each cause once, counts all failures, and hands every one to `on_error`.

    With `strict` it raises the errors instead; for tests. It also leads to the observers, for all
    who report. It does not keep them.

    Attributes:
        observing: gives the observers, or None where the Spot that kept them is gone.
    """

    def __init__(
        self,
        spot: str,
        on_error: Callable[[Trouble], object] | None = None,
        *,
        strict: bool = False,
        observers: Observers = NOBODY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spot = spot
        if on_error is not None and not callable(on_error):
            raise ConfigError(f"on_error={on_error!r:.80} is no function: give one of a Trouble")
        self.on_error = on_error
        self.strict = strict
        self.observing = weakref.ref(observers)
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()  # results that cache_if refused, by function
        self.reasons: dict[str, str] = {}  # why the first results were not stored, by function
        self._clock = clock
        self._quiet_until: dict[str, float] = {}
        self._outages: set[str] = set()  # points of which a failure was logged, and no recovery
        self._said: set[Cause] = set()
        self._causes: Counter[tuple[str, str]] = Counter()
        self._lock = threading.RLock()

    @property
    def observers(self) -> Observers:
        """Those who observe the Spot."""
        return self.observing() or NOBODY

    def report(self, operation: str, function: str, error: Exception, advice: str) -> None:
        """Report a failure; returns, unless strict.

        Raises:
            Exception: `error` itself, where the reporter is strict, or where a signal's handler
                raised it to end the call before its function runs.
        """
        if self.strict or (operation in _BEFOREHAND and is_of_handler(error)):
            raise error
        if isinstance(error, Resting):
            return  # its cause was reported when it happened
        trouble = Trouble(self.spot, operation, function, error, advised(advice, error))
        if operation in _UNSTORED and function not in self.reasons:
            words = _words(error) if isinstance(error, BeautyspotError) else type(error).__name__
            why = f"beautyspot could not {operation}: {_with_advice(words, trouble.advice)}"
            self.keep_reason(function, why)
        number = self._number_of(trouble)
        if number:
            more = ". More causes of this are only counted" if number == SEVERAL else ""
            logger.warning("%s%s", trouble, more)
        self.observers.failed(function, error, operation=operation)
        if self.on_error is not None:
            try:
                self.on_error(trouble)
            except Exception:  # the user's callback is no reason to lose the user's result either
                logger.exception("%s: on_error raised; the call goes on", self.spot)

    def keep_reason(self, function: str, why: str) -> None:
        """Keep why a result of a function is not stored, for those who look at the store later.

        It holds no message of another's error, which may show an argument.
        """
        if len(self.reasons) < CAUSES:
            self.reasons.setdefault(function, why[:LONGEST])

    def once(self, about: str, message: str) -> None:
        """Log a warning that is no failure, such as the use of a Spot that was shut down."""
        if self._is_new(about):
            with suppress(Exception):  # where the interpreter ends: it imports nothing any more
                logger.warning("%s: %s", self.spot, less_secrets(message))

    def tell(self, about: str, message: str, *, loud: bool = True) -> None:
        """Log what may be as it should be: the first loud one about something as a warning."""
        say = logger.warning if loud and self._is_new(about) else logger.info
        say("%s: %s", self.spot, message)

    def _is_new(self, about: str) -> bool:
        cause = ("once", about, Exception, "")
        with self._lock:
            if cause in self._said:
                return False
            self._said.add(cause)
            return True

    def unstored(self, function: str) -> list[str]:
        """Why results of a function were not stored in this process."""
        with self._lock:
            said = [cause[2:] for cause in self._said.copy() if cause[:2] == (STORING, function)]
        known = sorted(": ".join(filter(None, (kind.__name__, detail))) for kind, detail in said)
        refused = self.refused[function]
        told = [f"a result could not be stored ({why})" for why in known[:3]]
        return [*told, f"cache_if refused {refused} results"] if refused else told

    def _number_of(self, trouble: Trouble) -> int:
        """How many causes of its kind were logged with this one; 0 if it is not to be logged."""
        cause = _cause(trouble)
        kind = cause[:2]
        with self._lock:
            self.counts[trouble.operation] += 1
            at_opening = (cause[0], OPENING, *cause[2:])
            is_known = cause in self._said or at_opening in self._said
            if is_known or self._causes[kind] >= SEVERAL or len(self._said) >= CAUSES:
                return 0
            self._said.add(cause)
            self._causes[kind] += 1
            self._quiet_until[cause[0]] = self._clock() + QUIET
            self._outages.add(cause[0])
            return self._causes[kind]

    def recovered(self, point: str, message: str | None) -> None:
        """A backend works again: its next failure is logged again, but not every second.

        The message is logged where the failure was, once.
        """
        with self._lock:
            was_said = message is not None and point in self._outages
            if was_said:
                self._outages.discard(point)
            if self._clock() >= self._quiet_until.get(point, 0.0):
                self._said -= {cause for cause in self._said.copy() if cause[0] == point}
                for kind in [kind for kind in list(self._causes) if kind[0] == point]:
                    self._causes.pop(kind, None)
        if was_said:
            logger.warning("%s: %s", self.spot, message)

    def reset_after_fork(self) -> None:
        """A child counts from the start; another thread of the parent may have held the lock."""
        self._lock = threading.RLock()
        self.counts.clear()
