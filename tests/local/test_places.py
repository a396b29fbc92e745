"""Places for what uses a server: an interrupt at any moment gives back what it ends the use of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import beautyspot_local
from beautyspot_local.remote.places import Places
from gates import DEADLINE
from moments import interrupted

OURS = str(Path(beautyspot_local.__file__).parent)


def use(places: Places) -> bool:
    with places.one(0.0) as is_free:
        return is_free


def test_who_finds_no_place_is_told_at_the_deadline() -> None:
    places = Places(1)
    with places.one(0.0) as is_free, ThreadPoolExecutor(1) as pool:
        assert is_free
        assert not pool.submit(use, places).result(DEADLINE)
    assert use(places)


def test_an_interrupted_use_leaves_its_place() -> None:
    places, at = Places(1), 1
    with ThreadPoolExecutor(1) as pool:
        while interrupted(lambda: use(places), at, OURS):
            assert pool.submit(use, places).result(DEADLINE), at
            at += 1
    assert at > 5
