"""The metrics of one registry or provider, made once: observers share them."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot_observe.labels import Names


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
