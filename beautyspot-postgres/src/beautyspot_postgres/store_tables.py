"""The tables of the metadata store. Those of all namespaces are the same."""

from __future__ import annotations

from typing import Final

COLUMNS: Final = {
    "namespace": "text",
    "cache_key": "text",
    "whole_key": "text",  # where it is too long for an index; `cache_key` is an abbreviation then
    "func_name": "text",
    "input_id": "text",
    "version": "text",
    "result_type": "text",
    "content_type": "text",
    "result_value": "text",
    "result_data": "bytea",
    "updated_at": "text",
    "func_identifier": "text",
    "key_scheme": "bigint",
    "serializer": "text",
    "digest": "bytea",
    "size": "bigint",
    "arg_digests": "text",
    "tags": "text[]",
    "made_at": "double precision",
    "took": "double precision",
    "expires_at": "double precision",
    "used_at": "double precision",
    "code": "text",
    "arguments": "text",
    "price": "double precision",
    "began_at": "double precision",
    "stored_at": "double precision",  # by the server's clock, when the row was put
}
"""Of the table of rows."""

SET_BY_SERVER: Final = frozenset({"namespace", "stored_at"})
"""Those that no record has."""

COUNTED: Final = {
    "func_identifier": "text",
    "hour": "bigint",
    "hits": "bigint",
    "runs": "bigint",
    "failures": "bigint",
    "seconds_saved": "double precision",
    "seconds_spent": "double precision",
    "money_saved": "double precision",
    "money_spent": "double precision",
    "grants": "bigint",
    "waits": "bigint",
    "refusals": "bigint",
    "seconds_waited": "double precision",
}
"""Of the table of counts, beside the namespace."""


def _column(name: str, kind: str, *, needed: bool = False) -> str:
    collated = ' COLLATE "C"' if kind.startswith("text") else ""  # by code points, as Python sorts
    return f"{name} {kind}{collated}{' NOT NULL' if needed else ''}"


_NAMESPACE: Final = _column("namespace", "text", needed=True)
_KEY: Final = ("namespace", "cache_key")
_ROWS: Final = ", ".join(_column(name, kind, needed=name in _KEY) for name, kind in COLUMNS.items())
_COUNTS: Final = ", ".join(
    _column(name, kind, needed=True) + ("" if name in ("func_identifier", "hour") else " DEFAULT 0")
    for name, kind in COUNTED.items()
)

STATEMENTS: Final = (
    # Room for a last use beside the row, which then needs no new entry in the index.
    (
        f"CREATE TABLE IF NOT EXISTS {{schema}}.results ({_ROWS}, "
        "PRIMARY KEY (namespace, cache_key)) WITH (fillfactor = 90)"
    ),
    # Results are compressed where that pays; the server would try again each time.
    "ALTER TABLE {schema}.results ALTER COLUMN result_data SET STORAGE EXTERNAL",
    # For those that have expired long ago; few results expire.
    (
        "CREATE INDEX IF NOT EXISTS results_that_expire ON {schema}.results "
        "(namespace, expires_at) WHERE expires_at IS NOT NULL"
    ),
    """
CREATE TABLE IF NOT EXISTS {schema}.stores (
  namespace text COLLATE "C" PRIMARY KEY,
  store_id text NOT NULL,
  generation bigint NOT NULL,
  forgotten bigint NOT NULL DEFAULT 0,
  noted bigint NOT NULL DEFAULT 0,
  demands_signing boolean NOT NULL DEFAULT false
)""",
    """
CREATE TABLE IF NOT EXISTS {schema}.invalidated (
  namespace text COLLATE "C" NOT NULL,
  generation bigint NOT NULL,
  cache_key text COLLATE "C",
  func_identifier text COLLATE "C",
  version text COLLATE "C",
  tag text COLLATE "C",
  PRIMARY KEY (namespace, generation)
)""",
    """
CREATE TABLE IF NOT EXISTS {schema}.leases (
  namespace text COLLATE "C" NOT NULL,
  cache_key text COLLATE "C" NOT NULL,
  token text NOT NULL,
  holder text NOT NULL,
  ends_at double precision NOT NULL,
  PRIMARY KEY (namespace, cache_key)
) WITH (fillfactor = 70)""",
    """
CREATE TABLE IF NOT EXISTS {schema}.waits (
  namespace text COLLATE "C" NOT NULL,
  process text NOT NULL,
  waits text NOT NULL,
  ends_at double precision NOT NULL,
  PRIMARY KEY (namespace, process)
)""",
    f"CREATE TABLE IF NOT EXISTS {{schema}}.counts ({_NAMESPACE}, {_COUNTS})",
    """
CREATE TABLE IF NOT EXISTS {schema}.remarks (
  namespace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  remark text COLLATE "C" NOT NULL
)""",
    (
        "CREATE UNIQUE INDEX IF NOT EXISTS remarks_by_name ON {schema}.remarks "
        "(namespace, md5(name))"
    ),
    # A name may be too long for an index.
    (
        "CREATE UNIQUE INDEX IF NOT EXISTS counts_of_an_hour ON {schema}.counts "
        "(namespace, hour, md5(func_identifier))"
    ),
)
