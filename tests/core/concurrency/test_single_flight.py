"""Flights: who waits is woken once, and the end of a flight may come late and twice."""

from __future__ import annotations

import contextvars
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from beautyspot.concurrency import single_flight
from beautyspot.concurrency.single_flight import ABANDONED, Flight, Flights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.spot import Spot


@pytest.fixture(autouse=True)
def nothing_led() -> Iterator[None]:
    """Who enters a flight by himself leads it until he says otherwise."""
    yield
    single_flight.lead(())


def test_a_waker_added_to_a_finished_flight_is_called_at_once() -> None:
    flight, called = Flight(None), []
    flight.finish("done")
    flight.finish("ignored")
    flight.add_waker(lambda: called.append(flight.result))
    assert called == ["done"]


def test_leaving_twice_and_late_does_no_harm() -> None:
    flights = Flights()
    leader, other = SimpleNamespace(flight=None), SimpleNamespace(flight=None)
    first = flights.enter("k", leader)
    assert first is leader.flight
    assert first is not None
    single_flight.lead(())  # somebody else
    second = flights.enter("k", other, anew=True)
    assert second is other.flight
    assert second is not None
    flights.leave("k", first)
    assert len(flights) == 1, "the newer flight of the key goes on"
    assert first.result is ABANDONED
    flights.leave("k", second)
    flights.leave("k", second)
    assert len(flights) == 0


def test_a_leader_that_is_ended_elsewhere_takes_nothing_from_others() -> None:
    flights, leader, other = Flights(), SimpleNamespace(flight=None), SimpleNamespace(flight=None)
    outer = flights.enter("outer", other)
    elsewhere = contextvars.copy_context()
    mine = elsewhere.run(flights.enter, "k", leader)
    assert mine is not None
    single_flight.part(mine)  # here, where it was never entered
    assert flights.enter("outer", SimpleNamespace(flight=None)) is None, "it would wait for itself"
    elsewhere.run(single_flight.part, mine)
    single_flight.part(outer)
    assert flights.enter("outer", SimpleNamespace(flight=None)) is outer


@pytest.mark.parametrize("save", ["sync", "background"])
def test_a_call_leaves_nothing_behind(make_spot: Callable[..., Spot], save: str) -> None:
    """A saver may end a call before its caller's thread comes to that."""
    spot = make_spot(strict=True, save=save)
    marked = spot.mark(lambda x: x)
    before = _ours()  # of a test that was interrupted
    for x in range(300):
        marked(x)
        spot.flush() if x % 100 == 0 else None
    assert _ours() == before


def _ours() -> dict[str, object]:
    """What a call might leave, but for what tells which one was the last."""
    context = {var.name: value for var, value in contextvars.copy_context().items() if value}
    return {k: v for k, v in context.items() if "beautyspot" in k and "last_call" not in k}


def test_several_flights_of_one_execution_wait_for_the_last() -> None:
    flights = Flights()
    leaders = {key: SimpleNamespace(flight=None) for key in "abcd"}
    entries = [(key, leader, False, None) for key, leader in leaders.items()]
    first = flights.enter_all(iter(entries), 1)
    assert first == [leaders["a"].flight]
    others = flights.enter_all(iter(entries[1:]), 2, tuple(first))
    assert others == [leaders["b"].flight, leaders["c"].flight], "there is no room for more"
    assert single_flight.leading() == (leaders["c"].flight,)
    assert all(leaders[key].flight.leads_to((leaders["c"].flight,)) for key in "abc")
    assert not leaders["c"].flight.leads_to((leaders["a"].flight,))


def test_those_beside_wait_for_no_flight_that_is_followed_later() -> None:
    flights, other, mine = Flights(), SimpleNamespace(flight=None), SimpleNamespace(flight=None)
    theirs = contextvars.copy_context().run(flights.enter, "theirs", other)
    assert theirs is not None
    (own,) = flights.enter_all([("own", mine, False, None)], 1)
    assert own is not None
    theirs.waits_for.append(own)  # it is followed only after `own` has ended
    entry = "theirs", SimpleNamespace(flight=None), False, None
    assert flights.enter_all([entry], 1, (own,)) == [theirs]
    assert not own.waits_for


def test_several_flights_can_not_be_entered_by_what_interrupts_the_table() -> None:
    flights = Flights()
    entries = [(key, SimpleNamespace(flight=None), False, None) for key in "ab"]
    with single_flight._graph:
        assert flights.enter_all(entries, 2) == [None, None]
    assert len(flights) == 0
