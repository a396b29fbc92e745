"""The keys of earlier calls: bounded, of small plain arguments alone, apart by type."""

from __future__ import annotations

import array
import marshal
import tracemalloc

import pytest
from beautyspot.keys import memo
from beautyspot.keys.generator import KeyGen
from beautyspot.tasks import addressing
from hypothesis import given
from hypothesis import strategies as st


class Text(str):
    pass


class Items(list):
    pass


class Table(dict):
    pass


ALIKE = st.sampled_from([0, 0.0, -0.0, False, 1, 1.0, True, "1", b"1", bytearray(b"1"), None])
FLAT = (
    ALIKE | st.integers(-3, 3) | st.integers() | st.floats() | st.text(max_size=3)
    | st.sampled_from(["\ud83d\ude00", "\U0001f600", 1 << 3000, Text("1"), array.array("b", b"1")])
)  # fmt: skip
KEYS = st.sampled_from(["a", "b", "$tuple", 1, True, 1.0, "1", b"1"])


def containers(inner):
    lists = st.lists(inner, max_size=3)
    tables = st.dictionaries(KEYS, inner, max_size=3)
    return (
        lists | lists.map(tuple) | lists.map(Items) | tables | tables.map(Table)
        | inner.map(lambda each: [each, each])
        | st.sets(st.integers(0, 3)) | st.frozensets(st.integers(0, 3))
    )  # fmt: skip


ARGUMENTS = st.lists(st.recursive(FLAT, containers, max_leaves=6), max_size=3).map(tuple)

NAMED = st.dictionaries(st.sampled_from(["a", "b"]), ARGUMENTS.map(lambda args: (*args, 1)[0]))


@given(st.lists(st.tuples(ARGUMENTS, NAMED), min_size=1, max_size=4))
def test_equal_bytes_are_equal_arguments(calls):
    keygen, known = KeyGen(), {}
    for call in calls:
        data = memo.written(call)
        if data is not None:
            text = keygen.input_id(*call)
            assert known.setdefault(data, text) == text


@pytest.mark.parametrize(
    "args", [([1, "a"],), ({"a": [0.5, None]}, 1), ((1, (2,)), -0.0, "x"), ({"b": 1, "a": ""}, [])]
)
def test_small_plain_containers_are_looked_up_by_what_they_hold(args):
    assert marshal.loads(memo.written((args, {})) or b"") == (args, {})


@pytest.mark.parametrize("value", [Text("1"), Items(), {1}, object(), [0] * 100, "x" * 2000])
def test_what_is_large_or_of_another_class_is_not_looked_up(value):
    assert memo.written(((value,), {})) is None


def test_flat_arguments_are_told_apart_by_their_types(spot):
    @spot.mark
    def same(value):
        return value

    for _ in range(3):
        values = [same(value) for value in (1, True, 1.0, 0.0, -0.0, False, 0, "1")]
        assert list(map(repr, values)) == ["1", "True", "1.0", "0.0", "-0.0", "False", "0", "'1'"]


class Told:
    """Its hash is the user's code, which changes it or fails."""

    asked = 0

    def __hash__(self):
        type(self).asked += 1
        raise RuntimeError("no hash")


def test_no_code_of_the_user_is_asked_for_a_hash(spot):
    marked = spot.mark(lambda value, x=1: x)
    assert [marked(Told()), marked(Told(), 1)] == [1, 1]
    assert Told.asked == 0


def test_the_memory_is_bounded(spot, monkeypatch):
    monkeypatch.setattr(addressing, "CALLS", 5)
    marked = spot.mark(lambda value: value)
    for value in ("first", 0, 1, [2], (3,), 4, 0.0, "x" * 2000, 1 << 1500, [5], 6):
        assert marked(value) == value
        assert len(marked.__beautyspot__.addressing.memo) <= 5
    assert [key for key, _, _ in marked.__beautyspot__.addressing.memo.values()] == [
        spot.key(marked, value) for value in ([5], 6)
    ]


def test_the_names_of_many_arguments_are_not_kept(spot):
    marked = spot.mark(lambda **features: len(features))
    calls = [{f"feature_{call}_{n}": n for n in range(1000)} for call in range(60)]
    marked(**calls[0])
    tracemalloc.start()
    try:
        for call in calls:
            assert marked(**call) == 1000
        assert tracemalloc.get_traced_memory()[0] < 1e6  # of all calls they would be 3 MB
    finally:
        tracemalloc.stop()


def test_named_arguments_are_looked_up_by_what_they_hold(spot):
    @spot.mark
    def total(*, numbers, factor=1):
        return sum(numbers) * factor

    numbers = [1, 2]
    assert [total(numbers=numbers, factor=2) for _ in range(4)] == [6] * 4
    numbers.append(3)
    assert [total(factor=2, numbers=numbers) for _ in range(4)] == [12] * 4
    assert [total(numbers=numbers) for _ in range(4)] == [6] * 4


def test_calls_with_containers_see_what_was_changed_between_them(spot):
    @spot.mark
    def total(table):
        return sum(table["numbers"])

    table = {"numbers": [1, 2]}
    assert [total(table) for _ in range(4)] == [3] * 4
    table["numbers"].append(3)
    assert [total(table) for _ in range(4)] == [6] * 4
    table["numbers"][0] = True
    assert spot.key(total, table) != spot.key(total, {"numbers": [1, 2, 3]})


def test_a_key_function_that_is_registered_later_counts_for_calls_with_containers(spot):
    @spot.mark
    def first(items):
        return items[0]

    assert [first([1, 2]) for _ in range(4)] == [1] * 4
    key = spot.key(first, [1, 2])
    spot.keygen.register(list, len)
    assert spot.key(first, [1, 2]) != key
    assert spot.key(first, [3, 4]) == spot.key(first, [1, 2])


def test_what_marshal_writes_as_bytes_is_told_apart_from_them(spot):
    @spot.mark
    def told(items):
        return type(items[0]).__name__

    values = [array.array("b", b"12"), b"12", bytearray(b"12"), memoryview(b"12")]
    assert [told([value]) for value in values] == ["array", "bytes", "bytearray", "memoryview"]
    assert len({spot.key(told, [value]) for value in values}) == 4
