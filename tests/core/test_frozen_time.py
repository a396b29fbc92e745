"""A program's tests that freeze the time: validity goes by theirs, waiting by the real one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import beautyspot as bs
import pytest
from beautyspot.memory import MemoryMetadataStore

freezegun = pytest.importorskip("freezegun")

NOON = "2030-01-02 12:00"

MakeSpot = Callable[..., bs.Spot]


@pytest.mark.parametrize("store", ["sqlite", MemoryMetadataStore])
@pytest.mark.parametrize("is_made_before", [True, False])
def test_a_ttl_goes_by_the_frozen_time(
    store: object, is_made_before: bool, make_spot: MakeSpot
) -> None:
    runs: list[int] = []

    def count() -> int:
        runs.append(1)
        return len(runs)

    before = make_spot(metadata=store) if is_made_before else None
    with freezegun.freeze_time(NOON) as frozen:
        spot = before or make_spot(metadata=store)
        counted = spot.mark(name="app:f", ttl="1h", key="one")(count)
        assert [counted(), counted()] == [1, 1]
        frozen.tick(timedelta(minutes=59))
        assert counted() == 1
        frozen.tick(timedelta(minutes=1))
        assert [counted(), counted()] == [2, 2]
        with spot.using(max_age="1h"):
            frozen.tick(timedelta(minutes=30))
            assert counted() == 2
        with bs.open_store(spot) as looked:
            (row,) = looked.rows()
            assert row.updated_at == "2030-01-02 13:00:00"
            assert (row.expires_at or 0.0) - (row.made_at or 0.0) == 3600
        frozen.tick(timedelta(hours=1))
        assert spot.prune().expired == 1


def test_a_limit_waits_though_the_time_stands_still(make_spot: MakeSpot) -> None:
    limited = make_spot(limiter="200/s").limiter(lambda number: number)
    with freezegun.freeze_time(NOON):
        assert [limited(number) for number in range(4)] == [0, 1, 2, 3]
