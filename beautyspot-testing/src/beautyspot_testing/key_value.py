"""The suite of stores of four operations: random histories, interleaved at each operation.

At each operation another client may first take its whole turn, during which a third may do so; or
the client dies. What must hold of a history is in `_check`: one holder of a lease at a time; no
hit, that is asked for after an invalidation, of a run that began before it; a newer result stays.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import Put, in_full
from beautyspot.contracts.records import ALL, covers_of
from beautyspot.contracts.row_bytes import object_in

from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MetadataStoreContract

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.contracts import KeyValueStore

SEEDS = 100
"""Histories with deaths, and as many without."""


class _DiedError(BaseException):
    """The end of a client in the midst of its work."""


class KeyValueStoreContract(MetadataStoreContract):
    """What a store of four operations must do, beside what every store must."""

    def make(self, tmp_path: Path) -> KeyValueStore:
        """See the base class."""
        raise NotImplementedError

    def test_bytes_are_replaced_only_where_they_are_expected(self, tmp_path: Path) -> None:
        place = self.make(tmp_path)
        assert place.read("x/1") is None
        first = place.write("x/1", b"one", None)
        assert place.read("x/1") == (b"one", first)
        second = place.write("x/1", b"two", first)
        assert second is not None
        for expected in (None, first):
            assert place.write("x/1", b"three", expected) is None
        assert not place.remove("x/1", first)
        assert not place.remove("x/2", second)
        assert place.remove("x/1", second)
        assert (place.read("x/1") or (b"", None))[0] == b""
        assert place.write("x/1", b"", second) is None
        place.close()

    @pytest.mark.parametrize("seed", range(SEEDS))
    @pytest.mark.parametrize("deaths", [False, True], ids=["", "with deaths"])
    def test_any_history_holds(self, tmp_path: Path, seed: int, *, deaths: bool) -> None:
        history = _History(self.make(tmp_path), seed, deaths=deaths)
        history.run()
        _check(history.events, deaths=deaths)


class _History:
    """Clients of one store. At each operation of one, another may take a whole turn."""

    def __init__(self, place: KeyValueStore, seed: int, *, deaths: bool) -> None:
        self._random, self._deaths = random.Random(seed), deaths  # noqa: S311 - of a test
        self.lease_time = 40.0 if seed % 2 else 3.0  # steps; of every second most leases fall
        self.time = 0
        self.events: list[tuple[Any, ...]] = []
        place.store_id  # noqa: B018 - made before the clients begin
        self._turns = dict.fromkeys(range(4), 24)
        self._runs: dict[int, tuple[str, str, int, float]] = {}
        self._idle = {number: _stepping(place, self, number) for number in self._turns}

    def run(self) -> None:
        """Let all clients take all their turns."""
        while self._idle:
            self._take_turn()

    def step(self, number: int) -> None:
        """Let others go on; the time is the number of operations."""
        while self._idle and self._random.random() < 0.1:
            self._take_turn()
        self.time += 1
        if self._deaths and number < 2 and self._random.random() < 0.02:
            raise _DiedError

    def _take_turn(self) -> None:
        number = self._random.choice(list(self._idle))
        store = self._idle.pop(number)
        self._turns[number] -= 1
        try:
            self._act(store, number, f"{number:016x}{self._turns[number]:016x}")
        except _DiedError:
            return
        if self._turns[number]:
            self._idle[number] = store

    def _act(self, store: KeyValueStore, number: int, token: str) -> None:
        rng = self._random
        if number in self._runs:
            if rng.random() < 0.5:
                self._put(store, *self._runs.pop(number))
            return
        key = rng.choice(KEYS[:2])
        covers = covers_of(a_record(key))
        if rng.random() < 0.2:
            cover = rng.choice([covers[0], covers[1], ALL])
            begins = self.time
            store.note(cover)
            for record in store.rows():  # as an invalidation goes on
                if cover in covers_of(record):
                    store.delete({record.cache_key: record.made_at})
            self.events.append(("noted", cover, begins, self.time))
            return
        asked = self.time
        begun = store.begin([key], token)
        if key in begun.found:
            data = in_full(begun.found[key]).result_data
            self.events.append(("hit", key, data, asked, self.time))
        elif key in begun.leased:  # a later turn puts its result, sometimes beyond its lease
            self._runs[number] = key, token, begun.since, float(self.time)

    def _put(self, store: KeyValueStore, key: str, token: str, since: int, began: float) -> None:
        data = f"{began} {since} {token}".encode()
        record = a_record(key, began_at=began, made_at=float(self.time), result_data=data)
        begins = self.time
        store.put([Put(record, covers_of(record), since, token)])
        self.events.append(("put", data, begins, self.time))


def _stepping(place: KeyValueStore, history: _History, number: int) -> KeyValueStore:
    """A client of a place: its operations are steps of a history, whose time it has."""

    def stepping(operation: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def step(name: str, *given: Any) -> Any:
            history.step(number)
            done = operation(name, *given)
            if kind and done and name.startswith("l/"):
                lease = object_in(given[0], {}) if kind == "leased" else None
                history.events.append((kind, name, lease, history.time))
            return done

        return step

    store: Any = object.__new__(type(place))
    vars(store).update(
        vars(place),
        lease_time=history.lease_time,
        each=lambda work, items: [work(item) for item in items],  # one step at a time
        now=lambda: float(history.time),
        read=stepping(place.read, ""),
        write=stepping(place.write, "leased"),
        remove=stepping(place.remove, "let go"),
        close=lambda: None,  # the place is closed once
    )
    client: KeyValueStore = store
    return client


def _check(events: list[tuple[Any, ...]], *, deaths: bool) -> None:
    holders: dict[str, Any] = {}
    for event in events:
        if event[0] == "let go":
            holders.pop(event[1], None)
        elif event[0] == "leased":
            _, name, lease, when = event
            holder = holders.get(name, lease)
            two = holder["token"] != lease["token"] and when < holder["until"]
            assert not two, f"{lease} and {holder} have {name} at {when}"
            holders[name] = lease
    hits, notes = ([event for event in events if event[0] == kind] for kind in ("hit", "noted"))
    puts = {event[1]: event[2:] for event in events if event[0] == "put"}
    for _, key, data, asked, _ in hits:
        began, (put_begins, put_ends) = float(data.split()[0]), puts.get(data, (0, 0))
        concerning = [note for note in notes if note[1] in covers_of(a_record(key))]
        if asked < put_ends and any(ends > put_begins for _, _, _, ends in concerning):
            continue  # until its put has looked a second time, it may show
        for _, cover, begins, ends in concerning:
            came_back = began <= begins and ends <= asked
            allowed = deaths and not cover.startswith("key:")
            assert allowed or not came_back, f"{data!r} came back at {asked} after {cover}, {ends}"
        for _, before, earlier, _, given in hits:
            older = before == key and given <= asked and began < float(earlier.split()[0])
            assert deaths or not older, f"{data!r} replaced {earlier!r}"
