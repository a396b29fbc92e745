"""Texts that the server can't hold come back as they were, in their order."""

from __future__ import annotations

from contextlib import suppress

import pytest
from beautyspot.errors import ConfigError, MetadataError
from beautyspot_postgres import PostgresMetadataStore, texts
from beautyspot_testing.records import KEYS, a_record
from hypothesis import given
from hypothesis import strategies as st

ANY = st.text(
    st.characters(exclude_categories=[]) | st.sampled_from("\0\x01\x02\ud7ff\ud800\udfff\ue000a0")
)
HOSTILE = ["\0", "a\0b", "\x01", "\x010000", "\ud800", "\udcff\ue000", "\ue000d800", "\\x00", "%s"]


@given(ANY)
def test_any_text_comes_back(text: str) -> None:
    stored = texts.stored(text)
    stored.encode()
    assert "\0" not in stored
    assert texts.restored(stored) == text


@given(ANY, ANY)
def test_texts_keep_their_order(one: str, other: str) -> None:
    assert (one < other) == (texts.stored(one).encode() < texts.stored(other).encode())
    assert one.startswith(other) == texts.stored(one).startswith(texts.stored(other))


@pytest.mark.parametrize("text", [*HOSTILE, "ä" * 20_000, "\ud800" * 2_000])
def test_every_field_may_be_any_text(store: PostgresMetadataStore, text: str) -> None:
    fields = ["func_name", "input_id", "version", "content_type", "serializer", "arg_digests"]
    fields += ["func_identifier", "code", "arguments"]
    record = a_record(text, **dict.fromkeys(fields, text), tags=(text, "x"), expires_at=None)
    store.put(record)
    assert store.get(text) == record
    assert list(store.scan(tag=text, func_identifier=text, version=text, with_data=True)) == [
        record
    ]
    found = store.find(text)
    assert type(found) is tuple
    assert found[4] == text
    assert store.find_code(text) == text
    assert [*store.find_many([text])] == [text]
    [totals] = store.function_totals()
    assert totals.func_identifier == text
    assert store.delete(text)


def test_keys_too_long_for_an_index_are_told_apart(store: PostgresMetadataStore) -> None:
    keys = [f"{'k' * 3000}{number}" for number in range(3)]
    store.put_many([a_record(key) for key in keys])
    assert {record.cache_key for record in store.scan()} == {*keys}
    assert store.get(keys[1]) == a_record(keys[1])
    assert {*store.find_many(keys)} == {*keys}
    leases = store.begin_many(keys[:2])
    assert store.leased(keys) == {*keys[:2]}
    assert store.put_valid(a_record(keys[0]), leases[keys[0]].generation)
    assert store.leased(keys) == {keys[1]}
    seen, following = [], None
    while True:
        page = store.page(following=following, limit=1)
        seen += [record.cache_key for record in page.records]
        following = page.following
        if following is None:
            break
    assert sorted(seen) == keys


def test_numbers_that_are_none(store: PostgresMetadataStore) -> None:
    nan, inf = float("nan"), float("inf")
    store.put_many(
        [
            a_record(KEYS[0], took=inf, price=-inf, made_at=1e9),
            a_record(KEYS[1], took=nan, price=nan, made_at=2e9, used_at=nan),
            a_record(KEYS[2], took=1.0, price=1.0, made_at=nan),
            a_record(KEYS[3], size=2**70),
        ]
    )
    first, second = store.get(KEYS[0]), store.get(KEYS[1])
    assert first is not None
    assert second is not None
    assert (first.took, first.price) == (inf, -inf)
    assert second.took != second.took
    for order in ("newest", "oldest", "slowest", "dearest", "unused"):
        pages, following = [], None
        while True:
            page = store.page(order=order, limit=1, following=following)  # type: ignore[arg-type]
            pages += [record.cache_key for record in page.records]
            following = page.following
            if following is None:
                break
        assert sorted(pages) == KEYS[:4], order
    [totals] = store.function_totals()
    assert totals.newest == 2e9


def test_a_field_of_another_type_is_said(store: PostgresMetadataStore) -> None:
    for field, value in (("took", "x"), ("tags", (1,)), ("version", 3), ("result_data", "text")):
        with pytest.raises(MetadataError, match="of another type"):
            store.put(a_record(**{field: value}))
    assert store.find(KEYS[0]) is None


@pytest.mark.parametrize("place", ['"\\u0000"', '"\\ud800"', "1.5", "null", "true", "[]", '"x"'])
def test_a_cursor_that_a_hand_has_changed(store: PostgresMetadataStore, place: str) -> None:
    store.put(a_record())
    for order in store.orders:
        for cursor in (f"[1, {place}]", f'[{place}, "x"]', f"[{place}]"):
            with suppress(ConfigError):
                store.page(order=order, following=cursor)  # type: ignore[arg-type]
