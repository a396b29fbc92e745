"""What happens when our own code fails: it is logged once, counted, and never reaches the user.

The logger is `beautyspot`. Warnings of the module `warnings` are not used: `-W error` would turn
them into the very crash that they are to replace.
"""

from __future__ import annotations

import time
import weakref
from collections import Counter
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.concurrency.locks import Lock
from beautyspot.errors import BeautyspotError, MetadataError, StorageError
from beautyspot.files import advised
from beautyspot.logs import logger
from beautyspot.messages import less_secrets, masked
from beautyspot.resilience.circuit_breaker import Resting, is_of_handler
from beautyspot.resilience.observers import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.resilience.observers import Observers

    Cause = tuple[str, str, type[Exception] | None]

AGAIN: Final = 600.0
"""Seconds after which the failure of a backend is said again, where it lasts or comes again."""

OPENING: Final = "open the metadata store"
"""The operation that every other one of the store needs: it fails, so do they."""

STORING: Final = "store the result"
"""The operation that turns a result into bytes."""

LIMITER: Final = "limiter"
ASKING: Final = "ask the limiter"
SETTLING: Final = "settle a cost"
PAUSING: Final = "pause the limiter"
PLACING: Final = "take a place of all processes"
"""The point of the limiter, and its operations."""

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
    """The type of an error, and its message less secrets."""
    said = less_secrets(str(error)) if isinstance(error, BeautyspotError) else masked(str(error))
    return f"{type(error).__name__}: {said}".removesuffix(": ")


def _about(trouble: Trouble) -> str:
    """What has failed: a backend, whichever function met that, or else what is of one function."""
    for backend, family in (("metadata", MetadataError), ("storage", StorageError)):
        if isinstance(trouble.error, family):
            return backend
    return trouble.function or LIMITER


class Reporter:
    """Logs each cause once, counts all failures, and hands every one to `on_error`.

    A cause is an operation and a class of error, of one function or one backend. That of a backend
    is said again after `AGAIN` seconds, where it lasts or comes again.

    With `strict` it raises the errors instead; for tests. It also leads to the observers, for all
    who report. It does not keep them, nor `on_error`, which is theirs.

    Attributes:
        observing: gives the observers, or None where the Spot that kept them is gone.
    """

    def __init__(
        self,
        spot: str,
        *,
        strict: bool = False,
        observers: Observers = NOBODY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spot = spot
        self.strict = strict
        self.observing = weakref.ref(observers)
        self.counts: Counter[str] = Counter()
        self.reasons: dict[str, str] = {}  # why the first results were not stored, by function
        self._clock = clock
        self._said: dict[Cause, float] = {}  # when that was
        self._outages: set[str] = set()  # backends of which a failure was logged, and no recovery
        self._lock = Lock()

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
        about, kind = _about(trouble), type(error)
        with self._lock:
            self.counts[operation] += 1
        again = inf if about == function else AGAIN
        if self._is_new((about, operation, kind), (about, OPENING, kind), again=again):
            self._outages.add(about)
            logger.warning("%s", trouble)
        observers = self.observers
        observers.tell("Raised", function, "", operation, kind.__name__, None)
        if observers.on_error is not None:
            try:
                observers.on_error(trouble)
            except Exception:  # the user's callback is no reason to lose the user's result either
                logger.exception("%s: on_error raised; the call goes on", self.spot)

    def keep_reason(self, function: str, why: str) -> None:
        """Keep why a result of a function is not stored, for those who look at the store later.

        It holds no message of another's error, which may show an argument.
        """
        self.reasons.setdefault(function, why[:LONGEST])

    def once(self, about: str, message: str) -> None:
        """Log a warning that is no failure, such as the use of a Spot that was shut down."""
        if self._is_new(("once", about, None)):
            with suppress(Exception):  # where the interpreter ends: it imports nothing any more
                logger.warning("%s: %s", self.spot, less_secrets(message))

    def tell(self, about: str, message: str, *, loud: bool = True) -> None:
        """Log what may be as it should be: the first loud one about something as a warning."""
        say = logger.warning if loud and self._is_new(("once", about, None)) else logger.info
        say("%s: %s", self.spot, message)

    def _is_new(self, cause: Cause, *wider: Cause, again: float = inf) -> bool:
        """Note a cause, unless it was said less than so many seconds ago, or a wider one was."""
        now = self._clock()
        with self._lock:
            is_new = max(self._said.get(each, -inf) for each in (cause, *wider)) <= now - again
            if is_new:
                self._said[cause] = now
        return is_new

    def recovered(self, backend: str, message: str) -> None:
        """Log that a backend works again, once after a failure that was logged."""
        with self._lock:
            was_said = backend in self._outages
            self._outages.discard(backend)
        if was_said:
            logger.warning("%s: %s", self.spot, message)

    def reset_after_fork(self) -> None:
        """A child counts from the start; another thread of the parent may have held the lock."""
        self._lock = Lock()
        self.counts.clear()
