"""What stands in a database is frozen: what this release wrote is read and used by all that follow.

A change of a table or a function of the store is a new number of the schema (`WRITTEN_BY`), and
whoever makes it sees that a database of the number before is brought up to it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import golden
from beautyspot_postgres import (
    lease_functions,
    look_functions,
    schema,
    store_functions,
    store_tables,
)
from golden import KEY

if TYPE_CHECKING:
    from beautyspot_postgres import PostgresMetadataStore

RECORD = golden.RECORD._replace(tags=("one", 'a "b"\\\0\udcff'), arguments="x='\0\x01\ue000'")

ROW = {
    "cache_key": KEY,
    "whole_key": None,
    "func_name": "f",
    "input_id": "ab" * 16,
    "version": "2",
    "result_type": "DIRECT_BLOB",
    "content_type": "text/plain",
    "result_value": None,
    "result_data": b"\x82\xa1a\x01\xa1b\xc3",
    "updated_at": "2026-11-26 12:00:00",
    "func_identifier": "module:f",
    "key_scheme": 1,
    "serializer": "msgpack",
    "digest": bytes(range(16)),
    "size": 7,
    "arg_digests": '{"x": "ab"}',
    "tags": ["one", 'a "b"\\\x010000\ue000dcff'],
    "made_at": 1790000000.5,
    "took": 0.25,
    "expires_at": None,
    "used_at": 1790000001.0,
    "code": "0f:a1",
    "arguments": "x='\x010000\x010001\ue000e000'",
    "price": 0.125,
    "began_at": 1790000000.25,
}

LONG = "k" * 1001
SHORT = f"{'k' * 200}\x01#{hashlib.sha256(LONG.encode()).hexdigest()}"

TABLES = """
counts: namespace text C, func_identifier text C, hour bigint, hits bigint, runs bigint,
  failures bigint, seconds_saved double precision, seconds_spent double precision,
  money_saved double precision, money_spent double precision, grants bigint, waits bigint,
  refusals bigint, seconds_waited double precision
form: written_by integer, readable_from integer
invalidated: namespace text C, generation bigint, cache_key text C, func_identifier text C,
  version text C, tag text C
leases: namespace text C, cache_key text C, token text, holder text, ends_at double precision
remarks: namespace text C, name text C, remark text C
results: namespace text C, cache_key text C, whole_key text C, func_name text C, input_id text C,
  version text C, result_type text C, content_type text C, result_value text C, result_data bytea,
  updated_at text C, func_identifier text C, key_scheme bigint, serializer text C, digest bytea,
  size bigint, arg_digests text C, tags text[] C, made_at double precision, took double precision,
  expires_at double precision, used_at double precision, code text C, arguments text C,
  price double precision, began_at double precision, stored_at double precision
stores: namespace text C, store_id text, generation bigint, forgotten bigint, noted bigint,
  demands_signing boolean
waits: namespace text C, process text, waits text, ends_at double precision
"""

DIGESTS = {1: "8057cb78c3ca64cfb3569ba27a9b3e65624f5824a4bb4ee92fb7c7e4b5d85257"}
"""By the number of the schema: of all statements that make what is the store's."""


def test_what_is_written_is_what_was(
    store: PostgresMetadataStore, raw: Any, namespace: str
) -> None:
    store.put(RECORD)
    columns = ", ".join(ROW)
    query = f"SELECT {columns} FROM beautyspot.results WHERE namespace = %s"
    [row] = raw.execute(query, [namespace]).fetchall()
    assert dict(zip(ROW, row, strict=True)) == ROW
    store.put(RECORD._replace(cache_key=LONG))
    query = f"{query} AND whole_key IS NOT NULL"
    [row] = raw.execute(query, [namespace]).fetchall()
    assert row[:2] == (SHORT, LONG)


def test_what_was_written_is_read(store: PostgresMetadataStore, raw: Any, namespace: str) -> None:
    store.open()
    columns, marks = ", ".join(ROW), ", ".join(["%s"] * len(ROW))
    insert = f"INSERT INTO beautyspot.results (namespace, {columns}) VALUES (%s, {marks})"
    raw.execute(insert, [namespace, *ROW.values()])
    long = {**ROW, "cache_key": SHORT, "whole_key": LONG}
    raw.execute(insert, [namespace, *long.values()])
    assert store.get(KEY) == RECORD
    assert store.get(LONG) == RECORD._replace(cache_key=LONG)
    data, digest = RECORD.result_data, RECORD.digest
    assert store.find(KEY) == (data, digest, 0.25, 1790000000.5, "msgpack", 0.125)


def test_the_tables_are_what_they_were(store: PostgresMetadataStore, raw: Any) -> None:
    store.open()
    found = raw.execute(
        """
        SELECT relname || ': ' || string_agg(
          attname || ' ' || format_type(atttypid, atttypmod)
          || CASE WHEN collname = 'C' THEN ' C' ELSE '' END, ', ' ORDER BY attnum
        )
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        LEFT JOIN pg_collation ON pg_collation.oid = attcollation
        WHERE relnamespace = 'beautyspot'::regnamespace AND relkind = 'r' AND attnum > 0
        AND NOT attisdropped GROUP BY relname ORDER BY relname COLLATE "C"
        """
    ).fetchall()
    named = [line.partition(":")[0] for line in TABLES.split("\n") if line[:1].isalpha()]
    shown = [" ".join(text.split()) for (text,) in found if text.partition(":")[0] in named]
    assert " ".join(shown) == " ".join(TABLES.split())


def test_a_change_is_a_new_number() -> None:
    parts = (store_tables, store_functions, lease_functions, look_functions)
    text = "\n".join(statement for part in parts for statement in part.STATEMENTS)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == DIGESTS[schema.WRITTEN_BY], (
        "raise WRITTEN_BY of schema.py, see that databases of the number before are brought up to "
        "it, and write the new digest here beside the others (before 3.0.0 was released: in its "
        "place)"
    )
