"""A limit for each key, which is forgotten only when it no longer matters."""

from __future__ import annotations

from beautyspot.contracts import Rate, Schedule, Schedules
from hypothesis import given, settings
from hypothesis import strategies as st
from owned_clock import Clock

STEPS = st.lists(
    st.tuples(st.integers(0, 99).map(str), st.integers(1, 8), st.integers(0, 20), st.integers(0, 8))
)


@settings(deadline=None, max_examples=100)
@given(STEPS)
def test_each_key_answers_as_one_that_is_never_forgotten(
    steps: list[tuple[str, int, int, int]],
) -> None:
    clock = Clock()
    limits = {"rate": Rate(2, 10)}
    known, kept = Schedules(limits), dict[str, Schedule]()
    for key, cost, real, seconds in steps:
        schedule = kept.setdefault(key, Schedule(limits))
        grants, wait = known.take([{"rate": cost}], key, clock.now)
        expected, expected_wait = schedule.take([{"rate": cost}], clock.now)
        assert wait == expected_wait
        for grant, other in zip(grants, expected, strict=True):
            assert grant.delay == other.delay
            known.give_back(grant, {"rate": real}, clock.now)
            schedule.give_back(other, {"rate": real}, clock.now)
        clock.now += seconds
    idle = [key for key, each in kept.items() if each.is_idle(clock.now)]
    assert len(known) <= max(32, 2 * (len(kept) - len(idle)) + 1, 64)
