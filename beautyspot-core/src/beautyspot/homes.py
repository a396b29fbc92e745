"""Which Spot an engine belongs to. It does not know itself, or no Spot would ever be dropped."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beautyspot.engine import Engine
    from beautyspot.spot import Spot

_homes: weakref.WeakKeyDictionary[Engine, weakref.ref[Spot]] = weakref.WeakKeyDictionary()


def remember(spot: Spot, engine: Engine) -> None:
    """Know whose engine it is."""
    _homes[engine] = weakref.ref(spot)


def home_of(engine: Engine) -> Spot:
    """The Spot of an engine.

    Raises:
        pickle.PicklingError: it was dropped.
    """
    spot = _homes[engine]()
    if spot is None:
        from pickle import PicklingError

        raise PicklingError(
            f"the Spot {engine.reporter.spot!r} of this function is gone, so the function can't be "
            "sent to another process: keep the Spot in a variable"
        )
    return spot
