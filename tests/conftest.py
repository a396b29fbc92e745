"""What the tests of a whole Spot share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.spot import Spot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beautyspot.resilience.reporting import Trouble


@pytest.fixture
def make_spot(tmp_path: Path) -> Iterator[Callable[..., Spot]]:
    """Makes Spots below `tmp_path`, and shuts all of them down at the end."""
    spots: list[Spot] = []

    def make(name: str = "app", **options: Any) -> Spot:
        options.setdefault("directory", tmp_path / "cache")
        options.setdefault("config", False)
        spot = Spot(name, **options)
        spots.append(spot)
        return spot

    yield make
    for spot in spots:
        spot.shutdown()


@pytest.fixture
def spot(make_spot: Callable[..., Spot]) -> Spot:
    """A Spot whose own failures raise."""
    return make_spot(strict=True)


@pytest.fixture
def troubles() -> list[Trouble]:
    """What a Spot made with `on_error=troubles.append` could not do."""
    return []
