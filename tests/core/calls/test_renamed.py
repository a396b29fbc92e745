"""`mark(renamed_from=)`: results are found that a function stored under the names it had before."""

from __future__ import annotations

from typing import Any

import pytest
from beautyspot.contracts import TaskRecord
from beautyspot.spot import Spot
from kinds import KINDS, RAN, result, work

Make = Any


@pytest.fixture
def before(make_spot: Make) -> Spot:
    """The Spot of the program as it was: its functions have the names of that time."""
    spot: Spot = make_spot(strict=True)
    return spot


def row(spot: Spot, key: str) -> TaskRecord:
    found = spot.metadata.get(key)
    assert found is not None
    return found


def keys(spot: Spot) -> set[str]:
    return {record.cache_key for record in spot.metadata.all_rows()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"save_blob": True}, {"ttl": "1h"}], ids=str)
def test_what_was_stored_before_is_a_hit_and_stays_where_it_is(
    before: Spot, spot: Spot, kind: str, options: dict[str, Any]
) -> None:
    function, call = KINDS[kind]
    old = before.mark(function, name="old", tags=("a",), price=lambda _: 2, **options)
    assert call(old, 1) == result(1)
    new = spot.mark(function, name="new", renamed_from="old", **options)
    assert call(new, 1) == call(new, 1) == result(1)
    assert call(new, 2) == result(2)
    assert RAN == [1, 2]
    assert keys(spot) == {before.key(old, 1), spot.key(new, 2)}
    stats = spot.stats()
    assert (stats["hits"], stats["misses"], stats["money_saved"]) == (2, 1, 4)
    before.invalidate(old, 1)
    assert spot.peek(new, 1) is None
    assert RAN == [1, 2]


def second(x: int) -> int:
    RAN.append(x)
    return -x


def test_with_arguments_that_were_added_and_an_id(before: Spot, spot: Spot) -> None:
    def asks(text: str, hot: float = 0.0) -> tuple[str, float]:
        RAN.append(text)
        return text, hot

    before.mark(lambda text: text, name="old")("a")
    before.mark(second, name="id", key=lambda x: f"id-{x}")(1)
    RAN.clear()
    assert spot.mark(asks, name="new", renamed_from="old", added={"hot": 0.0})("a") == "a"
    assert spot.mark(second, name="x", key=lambda x: f"id-{x}", renamed_from="id")(1) == -1
    assert RAN == []


def test_an_invalidated_result_does_not_come_back(before: Spot, spot: Spot) -> None:
    old = before.mark(work, name="old")
    new = spot.mark(work, name="new", renamed_from="old")
    for x in range(5):
        old(x)
    new(0)
    assert spot.invalidate(new, 0) is spot.invalidate(new, 1) is True
    assert spot.invalidate(new, 1) is False
    assert [spot.peek(new, x) for x in (0, 1)] == [None, None]
    new(2)
    assert spot.invalidate_all(new) == 3
    assert keys(spot) == set()
    old(3)
    assert spot.invalidate_all("new") == 1
    assert keys(spot) == set()


def test_a_new_result_replaces_those_of_all_names(before: Spot, spot: Spot) -> None:
    old = before.mark(work, name="old", save_blob=True)
    new = spot.mark(work, name="new", renamed_from="old", save_blob=True)
    old(1)
    spot.refresh(new, 1)
    assert RAN == [1, 1]
    assert keys(spot) == {spot.key(new, 1)}
    assert len([blob for blob in spot.storage.list() if blob.location]) == 1


def test_an_expired_result_is_none_and_is_replaced(before: Spot, spot: Spot) -> None:
    old = before.mark(work, name="old", ttl=60)
    old(1)
    own = before.key(old, 1)
    made = row(before, own).made_at or 0.0
    spot._engine.cache.store.clock = lambda: made + 61
    new = spot.mark(work, name="new", renamed_from="old", ttl=60)
    assert spot.peek(new, 1) is None
    assert not spot.explain(new, 1).hit
    assert new(1) == result(1)
    assert RAN == [1, 1]
    assert own not in keys(spot)
    # And what expired under the new name, the earlier one does not replace.
    old(2)
    spot.refresh(new, 2)
    before.mark(work, name="old")(2)
    spot._engine.cache.store.clock = lambda: made + 200
    assert spot.peek(new, 2) is None


def test_only_what_is_signed_is_taken(make_spot: Make) -> None:
    key, other = "k" * 40, "o" * 40
    make_spot(signing_key=key).mark(work, name="old")(1)
    make_spot().mark(work, name="old")(2)
    RAN.clear()
    spot = make_spot(signing_key=[other, key])
    new = spot.mark(work, name="new", renamed_from="old")
    assert new(1) == new(1) == result(1)
    assert RAN == []
    new(2)
    assert RAN == [2]


def test_many_at_once_and_item_by_item(before: Spot, spot: Spot) -> None:
    def embed(texts: list[str]) -> list[str]:
        RAN.append(texts)
        return [text.upper() for text in texts]

    before.mark(embed, name="old", each="texts")(["a", "b"])
    old = before.mark(work, name="work")
    for x in range(20):
        old(x)
    RAN.clear()
    items = spot.mark(embed, name="new", each="texts", renamed_from="old")
    assert items(["a", "c", "b"]) == ["A", "C", "B"]
    assert RAN == [["c"]]
    assert spot.invalidate(items, ["a"])
    assert items(["a", "b"]) == ["A", "B"]
    assert RAN == [["c"], ["a"]]
    RAN.clear()
    new = spot.mark(work, name="works", renamed_from=("none", "work"))
    assert spot.count(new, range(23)) == 3
    assert spot.count(items, [["a", "b", "d"]]) == 1
    assert list(spot.map(new, range(21))) == [result(x) for x in range(21)]
    assert RAN == [20]
