"""The part of the suite of metadata stores that is about looking at what is stored."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any, get_args

import pytest
from beautyspot.contracts import (
    FunctionTotals,
    MetadataStoreBase,
    Order,
    Selection,
    TaskRecord,
    Totals,
)
from beautyspot.errors import ConfigError, MetadataError, NotSupportedError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from beautyspot_testing.metadata_counts import COUNTED, CountsContract
from beautyspot_testing.records import HOSTILE_KEYS, KEYS, a_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ORDERS = get_args(Order)

_NAMES = ["app:f", "app:g", "app:F", "lib.x:f", "[a]", "a*b", "é:ß", "", "a\nb"]
_PATTERNS = ["*", "app:*", "app:?", "*:f", "app:[!f]", "app:[^f]", "[[]a]", "a[*]b", "é*", "", "A*"]
_TEXTS = ["prompt='Straße'", "STRASSE", "x=1", "ﬁn", "K", "k", "50%_", "i̇", "\\", "''"]
_CODES = ["0f", "0fa", "", "0f:a1", "a1", ":", "00"]
_NUMBERS = [0.0, 1.5, 1e9, 1e9 + 0.25, 2e9]
_SIZES = [0, 1, 1000, 2**40]

_ROWS = st.builds(
    a_record,
    st.sampled_from([*KEYS[:8], *HOSTILE_KEYS[:5]]),
    func_identifier=st.none() | st.sampled_from(_NAMES),
    func_name=st.sampled_from(_NAMES),
    version=st.none() | st.sampled_from(["", "1", "v2"]),
    tags=st.lists(st.sampled_from(["x", "y", "X", "é", '"', "", "\0"]), max_size=2).map(tuple),
    size=st.none() | st.sampled_from(_SIZES),
    made_at=st.sampled_from(_NUMBERS),
    used_at=st.none() | st.sampled_from(_NUMBERS),
    expires_at=st.none() | st.sampled_from(_NUMBERS),
    code=st.none() | st.sampled_from(_CODES),
    arguments=st.none() | st.sampled_from(_TEXTS),
)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "function": st.sampled_from([*_NAMES, *_PATTERNS]),
    "version": st.sampled_from(["", "1", "v2", "V2", "\ud800"]),
    "tag": st.sampled_from(["x", "y", "é", '"', "", "\0", "\ud800"]),
    "key": st.sampled_from(["", "0", KEYS[3], KEYS[2][:31], "%", "_", "'", "鍵", "\ud800"]),
    "made_since": st.sampled_from([*_NUMBERS, 10**30]),
    "made_before": st.sampled_from([*_NUMBERS, -(10**30)]),
    "unused_since": st.sampled_from(_NUMBERS),
    "expired_by": st.sampled_from(_NUMBERS),
    "smallest": st.sampled_from([-1, *_SIZES, 2**70]),
    "largest": st.sampled_from([*_SIZES, 2**70]),
    "text": st.sampled_from([*_TEXTS, "ss", "\u017f", "fi", "ß", "", "%", "X", "\ud800"]),
    "code": st.sampled_from([*_CODES, "0"]),
    "other_code": st.sampled_from([*_CODES, "0"]),
}
_SELECTIONS = st.fixed_dictionaries({}, optional=_VALUES).map(lambda given: Selection(**given))


class ListingContract(CountsContract):
    """What those that look at a store ask of it; part of `MetadataStoreContract`.

    A store that implements none of it passes by what the base class does.
    """

    @settings(
        max_examples=30,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,  # the store is emptied before each example
            HealthCheck.differing_executors,  # each subclass runs it
        ],
    )
    @given(rows=st.lists(_ROWS, max_size=12), selection=_SELECTIONS, limit=st.integers(1, 5))
    @example([a_record()], Selection(), 1)
    def test_pages_show_what_a_selection_covers(
        self, store: MetadataStoreBase, rows: list[TaskRecord], selection: Selection, limit: int
    ) -> None:
        for record in list(store.scan()):
            store.delete(record.cache_key)
        store.put_many(rows)
        covered = [record for record in store.scan() if selection.covers(record)]
        assert _paged(store, selection, limit=limit) == covered, "in the order of the keys"
        newest = _paged(store, selection, order="newest", limit=limit)
        assert sorted(newest) == sorted(covered), "each once, in whatever order"
        if "selection" in signature(store.totals).parameters:
            sizes = [record.size or 0 for record in covered]
            assert store.totals(selection=selection) == Totals(len(sizes), sum(sizes))

    @pytest.mark.parametrize("field", Selection._fields)
    def test_each_filter_narrows(self, store: MetadataStoreBase, field: str) -> None:
        first = a_record(KEYS[0], code="0f:1", arguments="x=1")
        store.put_many([first, a_record(KEYS[1])])
        if field in ("text", "code", "other_code") and store.get(KEYS[0]) != first:
            pytest.skip("the store does not know a later field")
        for value in _NARROWING[field]:
            selection = Selection(**{field: value})
            covered = [r.cache_key for r in store.scan() if selection.covers(r)]
            assert [record.cache_key for record in store.page(selection).records] == covered
        assert len({Selection(**{field: v}).covers(first) for v in _NARROWING[field]}) == 2

    @pytest.mark.parametrize("order", ORDERS)
    def test_pages_leave_out_the_data(self, store: MetadataStoreBase, order: Order) -> None:
        store.put(a_record())
        assert store.page(order=order).records == list(store.scan())
        assert store.page(order=order).following is None

    def test_the_newest_was_written_last(self, store: MetadataStoreBase) -> None:
        keys = [KEYS[5], KEYS[1], KEYS[9], KEYS[0], KEYS[3]]
        for number, key in enumerate(keys):
            store.put(a_record(key, made_at=1e9 + number))
        store.put(a_record(KEYS[1], made_at=2e9))
        newest = [KEYS[1], KEYS[3], KEYS[0], KEYS[9], KEYS[5]]
        paged = _paged(store, Selection(), order="newest", limit=2)
        assert [record.cache_key for record in paged] == newest, "also what was written again"

    def test_a_page_may_begin_behind_any_key(self, store: MetadataStoreBase) -> None:
        store.put_many(a_record(key) for key in KEYS[:4])
        behind = store.page(following=f"{KEYS[1]}0").records
        assert [record.cache_key for record in behind] == KEYS[2:4], "also one that is not stored"
        assert store.page(following="g").records == []
        assert store.page(following="\ud800").records == []

    @pytest.mark.parametrize("cursor", ["", "x", "row", "row x", "\ud800", "9" * 5000])
    def test_a_cursor_of_something_else_is_refused(
        self, store: MetadataStoreBase, cursor: str
    ) -> None:
        store.put(a_record())
        with pytest.raises(ConfigError, match="begin without it"):
            store.page(order="newest", following=cursor)

    @pytest.mark.parametrize("order", ORDERS)
    def test_a_page_of_nothing_is_refused(self, store: MetadataStoreBase, order: Order) -> None:
        with pytest.raises(ConfigError, match="give 1 or more"):
            store.page(order=order, limit=0)

    @pytest.mark.parametrize("order", ORDERS)
    def test_records_may_change_between_pages(self, store: MetadataStoreBase, order: Order) -> None:
        steady = [f"{number:032x}" for number in range(1, 60, 2)]
        store.put_many(a_record(f"{number:032x}", made_at=1e9 + number) for number in range(60))
        seen: list[str] = []
        for number, record in enumerate(_records(store, Selection(), order=order, limit=7)):
            seen.append(record.cache_key)
            if number % 7 == 3:
                store.delete(f"{number * 2:032x}")
                store.put(a_record(f"{number * 2 + 4:032x}", version="changed", made_at=2e9))
                store.put(a_record(f"{100 + number:032x}", made_at=2e9))
        assert len(seen) == len(set(seen)) or order == "newest", "nothing is shown twice"
        assert sorted(key for key in seen if key in steady) == steady, "what stays is shown once"

    def test_a_filter_that_matches_far_behind(self, store: MetadataStoreBase) -> None:
        store.put_many(a_record(f"{number:032x}", version=str(number)) for number in range(1200))
        for order in ORDERS:
            for version in ("0", "1199"):
                page = store.page(Selection(version=version), order=order, limit=2)
                assert [record.version for record in page.records] == [version]
                assert page.following is None
            page = store.page(Selection(function="module:[!g]"), order=order, limit=1000)
            assert len(page.records) == 1000

    def test_a_text_is_found_whatever_the_case(self, store: MetadataStoreBase) -> None:
        texts = ["STRASSE 50%", "Straße", "x_y\\", "ÉTÉ"]
        store.put_many(
            a_record(key, arguments=text) for key, text in zip(KEYS, texts, strict=False)
        )
        if store.get(KEYS[0]) != a_record(KEYS[0], arguments=texts[0]):
            pytest.skip("the store does not know a later field")
        for wanted in ("strasse", "STRAẞE", "0%", "%", "X_Y\\", "_", "été", "xzy", "\0"):
            selection = Selection(text=wanted)
            covered = [r.cache_key for r in store.scan() if selection.covers(r)]
            assert [record.cache_key for record in store.page(selection).records] == covered

    @pytest.mark.parametrize("order", ORDERS)
    def test_a_page_that_takes_long_ends_early(
        self, store: MetadataStoreBase, order: Order
    ) -> None:
        store.put_many(a_record(f"{n:032x}", version=str(n % 3000)) for n in range(6_000))
        wanted, found, following = Selection(version="13"), list[str](), None
        bound = {"seconds": 0.0} if "seconds" in signature(store.page).parameters else {}
        for _ in range(6_000):
            page = store.page(wanted, order=order, following=following, limit=2, **bound)
            found += [record.cache_key for record in page.records]
            assert (page.looked_at is None) or (len(page.records) < 2 and page.looked_at > 0)
            following = page.following
            if following is None:
                break
        assert sorted(found) == [f"{13:032x}", f"{3013:032x}"], "the pages together have all"

    def test_other_orders_of_the_store(self, store: MetadataStoreBase) -> None:
        assert {"key", "newest"} <= {*store.orders} <= {"key", "newest", *_RANKS}
        values = [None, 5.0, 1.5, None, 5.0, 0.0, 2.0, 1.5, 7.0]
        rows = [
            a_record(
                key,
                made_at=number if value is None else value,
                used_at=value,
                size=value and int(value),
                took=value,
                price=value,
                version=str(number % 2),
            )
            for number, (key, value) in enumerate(zip(KEYS, values, strict=False))
        ]
        store.put_many(rows)
        stored = list(store.scan())
        for name in sorted({*store.orders} - {"key", "newest"}):
            order: Any = name
            for limit in (2, 5, 100):
                for selection in (Selection(), Selection(version="1"), Selection(function="[m]*")):
                    covered = filter(selection.covers, stored)
                    paged = _paged(store, selection, order=order, limit=limit)
                    assert paged == sorted(covered, key=_ranked(name))
            for cursor in ("", "x", "row 1", "[]", "[1]", '["x", "y"]', "[NaN, 1]", "[1, 2]"):
                with pytest.raises(ConfigError, match="begin without it"):
                    store.page(order=order, following=cursor)

    def test_patterns_and_texts_may_be_long(self, store: MetadataStoreBase) -> None:
        store.put_many([a_record(KEYS[0], func_identifier="m" * 60_000), a_record(KEYS[1])])
        for pattern, found in (("m" * 60_000, KEYS[:1]), ("m" * 20_000, []), ("m*" * 9, KEYS[:1])):
            records = store.page(Selection(function=pattern)).records
            assert [record.cache_key for record in records] == found
        assert store.page(Selection(text="x" * 60_000)).records == []

    def test_totals_by_function(self, store: MetadataStoreBase) -> None:
        assert store.function_totals() == []
        store.put_many(
            [
                a_record(KEYS[0], func_identifier="m:b", made_at=5.0, size=2**40, code="0f:a1"),
                a_record(KEYS[1], func_identifier="m:a", made_at=3.0, size=None, code="c"),
                a_record(KEYS[2], func_identifier="m:b", made_at=4.0, size=3, code="00:a1"),
                a_record(KEYS[3], func_identifier=None, func_name="é", made_at=7.0),
                a_record(KEYS[4], func_identifier="", func_name="é", made_at=6.0),
            ]
        )
        assert store.function_totals() == [
            FunctionTotals("m:a", 1, 0, 3.0, 3.0, "c", False),
            FunctionTotals("m:b", 2, 2**40 + 3, 4.0, 5.0, "0f:a1", True),
            FunctionTotals("é", 2, 4, 6.0, 7.0),
        ]
        assert store.function_totals() == MetadataStoreBase.function_totals(store)

    # ------------------------------------------------------------------------- only for looking

    def test_a_store_for_looking_gives_the_same_answers(self, store: MetadataStoreBase) -> None:
        store.put_many(a_record(key, expires_at=None) for key in KEYS[:6])
        if store.counters:
            store.add_counts([COUNTED])
        looking = store.for_looking()
        for ask in _QUESTIONS:
            assert ask(looking) == ask(store)
        store.put(a_record(KEYS[6]))
        store.delete(KEYS[0])
        for ask in _QUESTIONS:
            assert ask(looking) == ask(store), "it also sees what changes"
        if looking is not store:
            looking.close()
        assert store.find(KEYS[1]) is not None

    def test_a_store_for_looking_changes_nothing(self, store: MetadataStoreBase) -> None:
        store.put(a_record())
        looking = store.for_looking()
        if looking is store:
            pytest.skip("the store gives itself")
        operations: list[Callable[[], object]] = [
            lambda: looking.put(a_record(version="2")),
            lambda: looking.put_many([a_record(KEYS[1])]),
            lambda: looking.delete(KEYS[0]),
            lambda: looking.touch({KEYS[0]: 5.0}),
            lambda: looking.add_counts([COUNTED]),
            lambda: looking.try_lease(KEYS[0]),
        ]
        for operation in operations:
            with pytest.raises((MetadataError, NotSupportedError)):
                operation()
        looking.close()
        assert list(store.scan(with_data=True)) == [a_record()]


_NARROWING: dict[str, list[Any]] = {
    "function": ["module:*", "m", "[!m]*"],
    "version": ["v1", ""],
    "tag": ["red", "green"],
    "key": ["0", KEYS[1], "f"],
    "made_since": [1709208000.5, 1709208000.6],
    "made_before": [1709208000.5, 1709208000.6],
    "unused_since": [1709208001.5, 1709208001.6],
    "expired_by": [1709308000.5, 1709308000.4],
    "smallest": [2, 3],
    "largest": [2, 1],
    "text": ["X=1", "y"],
    "code": ["0f", "1"],
    "other_code": ["0f", "1"],
}
"""Values of each field, some of which cover `a_record()` and some not."""

_RANKS: dict[str, tuple[Callable[[TaskRecord], float | None], int]] = {
    "oldest": (lambda record: record.made_at, 1),
    "largest": (lambda record: record.size, -1),
    "smallest": (lambda record: record.size, 1),
    "slowest": (lambda record: record.took, -1),
    "dearest": (lambda record: record.price, -1),
    "unused": (lambda record: max(record.made_at or 0.0, record.used_at or 0.0), 1),
}
"""What an order goes by, and whether the least or the greatest comes first."""


def _ranked(order: str) -> Callable[[TaskRecord], tuple[bool, float, str]]:
    by, sign = _RANKS[order]

    def rank(record: TaskRecord) -> tuple[bool, float, str]:
        value = by(record)
        return value is None, sign * (value or 0.0), record.cache_key

    return rank


_QUESTIONS: list[Callable[[MetadataStoreBase], object]] = [
    lambda store: store.store_id,
    lambda store: [store.get(key) for key in KEYS[:8]],
    lambda store: [store.find(key) for key in KEYS[:8]],
    lambda store: [store.find_code(key) for key in KEYS[:8]],
    lambda store: store.find_many(KEYS),
    lambda store: list(store.scan(with_data=True)),
    lambda store: list(store.scan(tag="red", version="v1", func_identifier="module:f")),
    lambda store: store.totals(),
    lambda store: store.function_totals(),
    lambda store: _paged(store, Selection(key="0"), limit=2),
    lambda store: _paged(store, Selection(), order="newest", limit=2),
    lambda store: list(store.counts()) if store.counters else None,
]


def _records(
    store: MetadataStoreBase, selection: Selection, *, order: Order = "key", limit: int
) -> Iterator[TaskRecord]:
    """All pages, one after the other."""
    following = None
    while True:
        page = store.page(selection, order=order, following=following, limit=limit)
        assert len(page.records) <= limit
        yield from page.records
        if page.following is None:
            return
        following = page.following


def _paged(
    store: MetadataStoreBase, selection: Selection, *, order: Order = "key", limit: int
) -> list[TaskRecord]:
    return list(_records(store, selection, order=order, limit=limit))
