"""The items of a call of a function of a list, and those of one round with their turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from beautyspot.concurrency import single_flight
from beautyspot.results.validity import MISSING

if TYPE_CHECKING:
    from beautyspot.calls.turn import Turn
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.tasks.task import Call


class Item:
    """One item of a call, or several equal ones.

    Attributes:
        call: its own.
        given: the item itself.
        places: where it is in the list.
        value: its result, or `MISSING`.
        flight: that of another call, which makes it.
        outdated: such a one whose result was invalidated.
        turn: of this call, which makes it now.
    """

    __slots__ = ("call", "flight", "given", "outdated", "places", "turn", "value")

    def __init__(self, call: Call, given: Any) -> None:
        self.call = call
        self.given = given
        self.places: list[int] = []
        self.value: Any = MISSING
        self.flight: Flight | None = None
        self.outdated: Flight | None = None
        self.turn: Turn | None = None


class Led:
    """The items of one round; leaving it ends their turns. It is entered twice, as a `Turn`."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._around = single_flight.leading()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        turns = self.turns
        for turn in turns:
            single_flight.part(turn.flight)
        for turn in reversed(turns):  # who waits for the first of them can take over all
            if not turn.saves:
                turn.end()

    @property
    def turns(self) -> list[Turn]:
        """Those of the items that this call makes."""
        return [item.turn for item in self.items if item.turn is not None]

    @property
    def flights(self) -> tuple[Flight, ...]:
        """Those that this call leads."""
        return tuple([turn.flight for turn in self.turns if turn.flight is not None])

    def release(self, items: list[Item], *, keep: bool = False) -> None:
        """End the turns of some items, which leave the round, unless they are to `keep` in it."""
        for item in items:
            if item.turn is not None:
                item.turn.end()
        for item in items:
            item.turn = None
        gone = set() if keep else {id(item) for item in items}
        self.items = [item for item in self.items if id(item) not in gone]
        single_flight.lead((*self._around, *self.flights[-1:]))  # see `Flights.enter_all`


def turn_of(item: Item) -> Turn:
    """The turn of an item that this call makes."""
    assert item.turn is not None  # noqa: S101 - the callers ask
    return item.turn
