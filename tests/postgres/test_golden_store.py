"""What stands in a database is frozen: what this release wrote is read and used by all that follow.

A change of a table or a function is a new number of the schema (`WRITTEN_BY`), and
whoever makes it sees that a database of the number before is brought up to it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import golden
from beautyspot_postgres import PostgresMetadataStore, functions, schedules, schema, tables
from beautyspot_testing.store import stored
from golden import KEY

RECORD = golden.RECORD._replace(tags=("one", 'a "b"\\ä'), arguments="x='ä\x01\ue000'")

ROW = {
    "cache_key": KEY,
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
    "tags": '["one", "a \\"b\\"\\\\\\u00e4"]',
    "made_at": 1790000000.5,
    "took": 0.25,
    "expires_at": None,
    "used_at": 1790000001.0,
    "code": "0f:a1",
    "arguments": "x='ä\x01\ue000'",
    "price": 0.125,
    "began_at": 1790000000.25,
}

TABLES = """
counts: namespace text C, func_identifier text C, hour bigint, hits bigint, runs bigint,
  failures bigint, seconds_saved double precision, seconds_spent double precision,
  money_saved double precision, money_spent double precision, grants bigint, waits bigint,
  refusals bigint, seconds_waited double precision
covers: namespace text C, cover text C, number bigint
form: written_by integer, readable_from integer
leases: namespace text C, cache_key text C, token text, ends_at double precision
remarks: namespace text C, name text C, remark text C
results: namespace text C, cache_key text C, func_name text C, input_id text C,
  version text C, result_type text C, content_type text C, result_value text C, result_data bytea,
  updated_at text C, func_identifier text C, key_scheme bigint, serializer text C, digest bytea,
  size bigint, arg_digests text C, made_at double precision, took double precision,
  expires_at double precision, used_at double precision, code text C, arguments text C,
  price double precision, began_at double precision, tags text C, stored_at double precision
schedules: namespace text C, key text C, name text C, seen double precision,
  made double precision, total double precision, taken double precision,
  start double precision, paused double precision, expires double precision
stores: namespace text C, store_id text, number bigint, demands_signing boolean
"""

DIGESTS = {2: "23f6b14902a3010440d4ac045c8c48166bd3b98ca471bf8ed9cc5c46ec4216e2"}
"""By the number of the schema: of all statements that make its tables and functions."""


def test_what_is_written_is_what_was(
    store: PostgresMetadataStore, raw: Any, namespace: str
) -> None:
    stored(store, RECORD)
    columns = ", ".join(ROW)
    query = f"SELECT {columns} FROM beautyspot.results WHERE namespace = %s"
    [row] = raw.execute(query, [namespace]).fetchall()
    assert dict(zip(ROW, row, strict=True)) == ROW


def test_what_was_written_is_read(store: PostgresMetadataStore, raw: Any, namespace: str) -> None:
    store.open()
    columns, marks = ", ".join(ROW), ", ".join(["%s"] * len(ROW))
    insert = f"INSERT INTO beautyspot.results (namespace, {columns}) VALUES (%s, {marks})"
    raw.execute(insert, [namespace, *ROW.values()])
    assert store.get(KEY) == RECORD
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
    text = "\n".join([*tables.STATEMENTS, *functions.STATEMENTS, *schedules.STATEMENTS])
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == DIGESTS[schema.WRITTEN_BY], (
        "raise WRITTEN_BY of schema.py, see that databases of the number before are brought up to "
        "it, and write the new digest here beside the others (before 3.0.0 was released: in its "
        "place)"
    )
