"""The part of the suite of metadata stores that is about its clock, and whose result stays."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beautyspot_testing.metadata_invalidations import NOTED, InvalidationContract
from beautyspot_testing.records import KEYS, a_record

if TYPE_CHECKING:
    from pathlib import Path

    from beautyspot.contracts import MetadataStoreBase, TaskRecord


_STEPS = st.tuples(st.sampled_from(["begin", "put", "set", "invalidate"]), st.integers(0, 2))


class NewerContract(InvalidationContract):
    """Nothing newer is overwritten, by the store's own clock; part of `MetadataStoreContract`."""

    def test_its_clock_gives_unix_time(self, store: MetadataStoreBase) -> None:
        readings = [store.now() for _ in range(20)]
        assert all(type(now) is float and math.isfinite(now) for now in readings), "seconds"
        assert readings == sorted(readings), "it does not go backwards"
        assert abs(readings[-1] - time.time()) < 86_400, "Unix time in seconds, UTC"

    def test_instances_share_a_clock(self, store: MetadataStoreBase, tmp_path: Path) -> None:
        self._needs("persistent")
        other = self.make(tmp_path)
        readings = [each.now() for each in (store, other, store, other)]
        other.close()
        assert readings == sorted(readings), "one clock for all who use the store"

    @pytest.mark.parametrize("took", [None, 3.0])
    def test_what_began_later_is_not_replaced(
        self, store: MetadataStoreBase, took: float | None
    ) -> None:
        made = store.now() - 100
        began = made - (took or 0.0)
        newer = _run(began, made=made, took=took)
        assert store.put_valid(newer, _since(store))
        older = _run(began - 1, made=made + 10)
        assert not store.put_valid(older, _since(store)), "its run began before"
        assert store.put_many_valid([(older, _since(store))]) == {KEYS[0]}
        assert _made(store) == made, "the newer one is still there"
        assert store.put_valid(_run(began + 1, made=made + 20), _since(store))
        assert _made(store) == made + 20, "a run that began later replaces it"

    def test_a_result_that_was_set_is_as_new_as_it_was_made(self, store: MetadataStoreBase) -> None:
        made = store.now() - 100
        store.put(_run(None, made=made, took=None))
        assert not store.put_valid(_run(made - 0.5, made=made + 1), _since(store))
        assert store.put_valid(_run(made + 0.5, made=made + 1), _since(store))

    def test_at_equal_times_the_last_one_stays(self, store: MetadataStoreBase) -> None:
        made = store.now() - 100
        for size in (1, 2, 3):
            record = _run(made, made=made, took=0.0)._replace(size=size)
            assert store.put_valid(record, _since(store))
            assert store.put_many_valid([(record, _since(store))]) == set()
            found = store.get(KEYS[0])
            assert found is not None
            assert found.size == size, "a clock that stands still refuses nothing"

    def test_what_a_wrong_clock_made_gives_way(self, store: MetadataStoreBase) -> None:
        now = store.now()
        for put in (store.put_valid, lambda *row: not store.put_many_valid([row])):
            store.put(_run(now + 3600, made=now + 3600))
            assert put(_run(now, made=now), _since(store)), "it was made in the future"
            assert _made(store) == now

    def test_a_record_that_tells_no_beginning_is_put(self, store: MetadataStoreBase) -> None:
        made = store.now() - 100
        store.put(_run(made, made=made))
        assert store.put_valid(_run(None, made=made - 50), _since(store))
        assert _made(store) == made - 50
        assert store.put_many_valid([(_run(None, made=made - 60), _since(store))]) == set()
        assert _made(store) == made - 60

    def test_of_many_only_the_older_are_refused(self, store: MetadataStoreBase) -> None:
        made = store.now() - 100
        store.put_many([_run(made, KEYS[number], made=made, took=0.0) for number in range(4)])
        rows = [
            (_run(made - 1, KEYS[0], made=made + 1), _since(store)),
            (_run(made + 1, KEYS[1], made=made + 1), _since(store)),
            (_run(made - 1, KEYS[2], made=made + 1), _since(store)),
            (_run(made - 1, KEYS[4], made=made + 1), _since(store)),
        ]
        assert store.put_many_valid(iter(rows)) == {KEYS[0], KEYS[2]}
        assert [_made(store, KEYS[number]) for number in range(5)] == [
            *(made, made + 1, made),
            *(made, made + 1),
        ]

    def test_what_was_invalidated_and_what_is_older_are_refused_together(
        self, log: MetadataStoreBase
    ) -> None:
        made = log.now() - 100
        since = log.generation()
        log.put(_run(made, KEYS[1], made=made, took=0.0))
        log.note_invalidation(NOTED)
        rows = [
            (_run(made, KEYS[0], made=made), since),
            (_run(made - 1, KEYS[1], made=made), since),
            (_run(made, KEYS[2], made=made), since),
        ]
        assert log.put_many_valid(rows) == {KEYS[0], KEYS[1]}
        assert not log.put_valid(*rows[1])
        assert _made(log, KEYS[2]) == made

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,  # one store for all examples is the point
            HealthCheck.differing_executors,  # each subclass runs it
        ],
    )
    @given(steps=st.lists(_STEPS, max_size=12))
    def test_in_any_order_the_run_stays_that_began_last(
        self, store: MetadataStoreBase, steps: list[tuple[str, int]]
    ) -> None:
        store.delete(KEYS[0])
        runs: dict[int, tuple[int, float, int]] = {}  # by client: number, beginning, generation
        valid: set[int] = set()  # of the clients whose runs were not invalidated
        there: tuple[float, int] | None = None  # beginning and number of what is to be there
        for number, (step, client) in enumerate(steps):
            if step == "begin":
                runs[client] = number, store.now(), _since(store)
                valid.add(client)
            elif step == "put" and client in runs:
                run, began, since = runs.pop(client)
                made = store.now()
                record = _run(began, made=made, took=made - began, size=run)
                wanted = client in valid and (there is None or began >= there[0])
                assert store.put_valid(record, since) == wanted
                there = (began, run) if wanted else there
            elif step == "set":
                there = store.now(), number
                store.put(_run(there[0], made=there[0], took=None, size=number))
            elif step == "invalidate" and store.invalidations:
                store.note_invalidation(NOTED)
                store.delete(KEYS[0])
                valid, there = set(), None
            found = store.get(KEYS[0])
            assert (found and found.size) == (there and there[1]), "the run that began last"

    def test_another_instance_overwrites_nothing_newer(
        self, store: MetadataStoreBase, tmp_path: Path
    ) -> None:
        self._needs("persistent")
        made = store.now() - 100
        other = self.make(tmp_path)
        assert store.put_valid(_run(made, made=made), _since(store))
        assert not other.put_valid(_run(made - 1, made=made + 1), _since(other))
        assert other.put_valid(_run(made + 1, made=made + 1), _since(other))
        assert not store.put_valid(_run(made, made=made + 2), _since(store))
        other.close()
        assert _made(store) == made + 1


def _since(store: MetadataStoreBase) -> int:
    return store.generation() if store.invalidations else 0


def _run(
    began: float | None, key: str = KEYS[0], *, made: float, took: float | None = 0.0, **fields: Any
) -> TaskRecord:
    """The record of a run of this time."""
    return a_record(key, made_at=made, took=took, began_at=began, expires_at=None, **fields)


def _made(store: MetadataStoreBase, key: str = KEYS[0]) -> float | None:
    found = store.get(key)
    assert found is not None
    return found.made_at
