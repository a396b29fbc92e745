"""The keys of earlier calls: bounded, of small plain arguments alone, apart by type."""

from __future__ import annotations

import array

import pytest
from beautyspot.keys import memo
from beautyspot.keys.generator import KeyGen, id_of_plain, takes_containers_apart
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


def address_by(keygen):
    return lambda args, named: ("key", id_of_plain(keygen, args, named))


def test_equal_values_of_other_types_are_remembered_apart() -> None:
    remembered = memo.Memo()
    for value in (1, 1.0, True):
        remembered.put((value,), (repr(value), repr(value)))
    assert [remembered.get((value,), {}) for value in (1, 1.0, True)] == [
        ("1", "1"), ("1.0", "1.0"), ("True", "True"),
    ]  # fmt: skip


@given(st.lists(st.tuples(ARGUMENTS, NAMED), min_size=1, max_size=4))
def test_what_is_remembered_is_what_a_walk_says(calls):
    keygen = KeyGen()
    remembered = memo.Memo(lambda: takes_containers_apart(keygen))
    for args, named in calls:
        remembered.add(args, named, address_by(keygen))
    for args, named in calls:
        found = remembered.get(args, named)
        assert found is None or found == ("key", keygen.input_id(args, named))


@pytest.mark.parametrize(
    "args", [([1, "a"],), ({"a": [0.5, None]}, 1), ((1, (2,)), -0.0, "x"), ({"b": 1, "a": ""}, [])]
)
def test_small_plain_containers_are_remembered_by_what_they_hold(args):
    keygen = KeyGen()
    remembered = memo.Memo(lambda: takes_containers_apart(keygen))
    address = remembered.add(args, {}, address_by(keygen))
    assert address is not None
    assert remembered.get(args, {}) == address


def test_named_arguments_are_remembered_apart_from_a_dict_of_them():
    keygen = KeyGen()
    remembered = memo.Memo(lambda: takes_containers_apart(keygen))
    calls = [((), {"a": 1}), (({"a": 1},), {}), (((), {"a": 1}), {}), ((), {"a": True})]
    addresses = [remembered.add(*call, address_by(keygen)) for call in calls]
    assert len({*addresses}) == len(calls)
    assert [remembered.get(*call) for call in calls] == addresses


def test_a_container_that_changes_meanwhile_is_remembered_as_it_was():
    keygen = KeyGen()
    remembered = memo.Memo(lambda: takes_containers_apart(keygen))
    items = [1]

    def make(args, named):
        items.append(2)  # as another thread may
        return address_by(keygen)(args, named)

    remembered.add((items,), {}, make)
    before = [1]
    # `marshal` marks what is referred to elsewhere: one of the two is written as `items` was.
    found = {remembered.get((before,), {}), remembered.get(([1],), {})}
    assert found - {None} == {("key", keygen.input_id(([1],), {}))}
    assert remembered.get((items,), {}) is None


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
