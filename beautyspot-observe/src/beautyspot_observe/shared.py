"""What observers share: labels with a bounded number of values, and the metrics of one registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from weakref import WeakKeyDictionary

from beautyspot import ConfigError
from beautyspot.contracts import Lock

if TYPE_CHECKING:
    from collections.abc import Callable

OTHER: Final = "other"
"""In place of the names that are beyond the bound."""

MOST: Final = 1000


def checked(most_functions: object) -> int:
    """The bound that a user gave.

    Raises:
        ConfigError: it is no whole number above 0.
    """
    if (
        not isinstance(most_functions, int)
        or isinstance(most_functions, bool)
        or most_functions < 1
    ):
        raise ConfigError(
            f"most_functions={most_functions!r:.50}: give a whole number above 0, such as "
            f"most_functions={MOST}"
        )
    return most_functions


class Names:
    """Lets so many functions keep their names in labels, and calls the others "other".

    Attributes:
        most: so many pairs of a Spot and a function are told apart; a few more where threads meet
            their first functions at once, since no lock is taken.
    """

    def __init__(self) -> None:
        self.most = 0
        self._pairs: set[tuple[str, str]] = set()
        self._spots: set[str] = set()

    def bounded(self, spot: str, function: str) -> tuple[str, str]:
        """The Spot and the function as labels; decided when the pair is first seen."""
        pair = (spot, function)
        if pair in self._pairs:
            return pair
        if len(self._pairs) < self.most:
            self._pairs.add(pair)
            self._spots.add(spot)
            return pair
        return (spot if spot in self._spots else OTHER), OTHER


class HasNames(Protocol):
    """Metrics with bounded labels."""

    names: Names


Metrics = TypeVar("Metrics", bound=HasNames)

_made: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_lock = Lock()


def shared(places: tuple[Any, ...], make: Callable[[], Metrics], most: int) -> Metrics:
    """The metrics of a registry or provider, which takes each name once.

    Args:
        places: the registry or provider; several objects if they stand for the same one.
        make: makes its metrics, for the first observer.
        most: so many functions are told apart; of several observers' numbers the highest counts.
    """
    with _lock:
        there = (_made[place] for place in places if place in _made)
        metrics: Metrics = next(there, None) or make()
        _made.update(dict.fromkeys(places, metrics))
        metrics.names.most = max(metrics.names.most, most)
        return metrics
