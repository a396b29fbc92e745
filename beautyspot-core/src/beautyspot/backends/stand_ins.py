"""A stand-in for a backend that could not be reached when the Spot was made.

An outage at that moment is no reason to stop the user's program: the stand-in takes the backend's
place, tries to make it when an operation is called, with the pauses of a circuit breaker, and hands
every operation on once that has worked. The maker of the backend also closes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from beautyspot.concurrency import locks
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.contracts import Backend
from beautyspot.resilience.circuit_breaker import SLOW, Breaker, Resting

if TYPE_CHECKING:
    from collections.abc import Callable

B = TypeVar("B", bound=Backend)

_IN_PLACE: Final = frozenset({"check_cost"})
"""Called where a function is decorated, which no outage may stop: the contract's own answers."""


class Maker(Generic[B]):
    """Makes a backend as soon as that is possible, once.

    Args:
        make: makes it, or raises.
        breaker: says when to try again.
        error: what the first try, made by the caller, raised.
    """

    def __init__(self, make: Callable[[], B], breaker: Breaker, error: Exception) -> None:
        self._make = make
        self.breaker = breaker
        self._unreported: Exception | None = error
        self._made: B | None = None
        self._lock = locks.reentrant()
        reset_in_children(self)
        breaker.leave(breaker.enter() - 2 * SLOW, error)  # one failure is enough: it may take long

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have been making it: the child does so itself."""
        self._lock = locks.reentrant()
        self.breaker.reset_after_fork()

    @property
    def made(self) -> B | None:
        """The backend, if it could be made by now."""
        return self._made

    def backend(self) -> B:
        """The backend.

        Raises:
            Exception: it could not be made; `Resting` where it is not tried at the moment.
        """
        if self._made is None:
            with self._lock:
                made = self._made or self._try()
                self._made = self._made or made  # a signal's handler may have made one as well
        return self._made

    def _try(self) -> B:
        first, self._unreported = self._unreported, None
        try:
            return self.breaker(self._make)
        except Resting:
            if first is None:
                raise
            raise first from None


def stand_in(base: type[B], cls: type[Backend], maker: Maker[B]) -> B:
    """A backend that hands each operation of its contract on to the one that `maker` makes.

    Args:
        base: the contract.
        cls: the class of the backend that could not be made.
        maker: makes it later.
    """
    members: dict[str, Any] = {
        "__repr__": lambda self: f"<stand-in for {cls.name!r}>",
        "name": cls.name,
        "blocking": cls.blocking,
        "remote": cls.remote,
        "maker": maker,
    }
    for name in set(dir(base)).difference(dir(Backend), _IN_PLACE):
        ours, theirs = getattr(base, name), getattr(cls, name)
        if name == "now" and theirs is ours:
            continue  # this machine's clock needs no backend
        if name == "lease_time":  # as its instance says, which no lease comes before
            members[name] = property(_stated_by(maker, name, theirs))
        elif isinstance(ours, property):
            members[name] = property(_read_from(maker, name))
        elif callable(ours) and not name.startswith("_"):
            members[name] = _handed_on(maker, name)
        elif not hasattr(theirs, "__get__"):
            members[name] = theirs  # what the class states of itself, such as `leases`
    made: Any = type(f"StandIn{base.__name__}", (base,), members)()
    return cast("B", made)


def _read_from(maker: Maker[Any], name: str) -> Callable[[Any], Any]:
    return lambda self: getattr(maker.backend(), name)


def _stated_by(maker: Maker[Any], name: str, default: object) -> Callable[[Any], Any]:
    return lambda self: getattr(maker.made, name, default)


def _handed_on(maker: Maker[Any], name: str) -> Callable[..., Any]:
    def operation(self: object, *args: Any, **kwargs: Any) -> Any:
        return getattr(maker.backend(), name)(*args, **kwargs)

    return operation
