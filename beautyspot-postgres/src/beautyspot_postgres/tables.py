"""The tables of the metadata store, and the views of them. Those of all namespaces are the same."""

from __future__ import annotations

from typing import Final

_TEXT: Final = 'text COLLATE "C"'  # by code points, as Python sorts
_NUMBER: Final = "double precision"

COLUMNS: Final = {
    "cache_key": f"{_TEXT} NOT NULL",
    "func_name": f"{_TEXT} NOT NULL",
    "input_id": f"{_TEXT} NOT NULL",
    "version": _TEXT,
    "result_type": f"{_TEXT} NOT NULL",
    "content_type": _TEXT,
    "result_value": _TEXT,
    "result_data": "bytea",
    "updated_at": _TEXT,
    "func_identifier": _TEXT,
    "key_scheme": "bigint",
    "serializer": _TEXT,
    "digest": "bytea",
    "size": "bigint",
    "arg_digests": _TEXT,
    "made_at": _NUMBER,
    "took": _NUMBER,
    "expires_at": _NUMBER,
    "used_at": _NUMBER,
    "code": _TEXT,
    "arguments": _TEXT,
    "price": _NUMBER,
    "began_at": _NUMBER,
    "tags": f"{_TEXT} NOT NULL CHECK (json_typeof(tags::json) = 'array')",  # as JSON
}
"""Of the table `results`: the fields of a record that have a column. Later releases of core may add
some."""

COUNTED: Final = {
    **dict.fromkeys(("hits", "runs", "failures"), "bigint"),
    **dict.fromkeys(("seconds_saved", "seconds_spent", "money_saved", "money_spent"), _NUMBER),
    **dict.fromkeys(("grants", "waits", "refusals"), "bigint"),
    "seconds_waited": _NUMBER,
}
"""Of the table `counts`: what is added up."""


def kind(column: str) -> str:
    """The type of a column of `results`."""
    return COLUMNS[column].partition(" COLLATE")[0]


def _when(column: str) -> str:
    """A time that SQL can read; NULL where a number is beyond its years."""
    is_one = f"{column} BETWEEN -210866803200 AND 9224318015999"
    return f"CASE WHEN {is_one} THEN to_timestamp({column}) END"


NAME: Final = "coalesce(nullif(func_identifier, ''), func_name)"
"""What a function is called."""

OVER: Final = "greatest(expires_at, stored_at)"
"""When a result was over: not before it was put, as a copy may put some that had expired."""

_NAMESPACE: Final = f"namespace {_TEXT} NOT NULL"
_RESULTS: Final = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
_COUNTS: Final = ", ".join(f"{name} {kind} NOT NULL DEFAULT 0" for name, kind in COUNTED.items())

STATEMENTS: Final = (
    # Room for a last use beside the row, which then needs no new entry in the index.
    (
        f"CREATE TABLE IF NOT EXISTS {{schema}}.results ({_NAMESPACE}, {_RESULTS}, "
        f"stored_at {_NUMBER}, PRIMARY KEY (namespace, cache_key)) WITH (fillfactor = 90)"
    ),
    # Results are compressed where that pays; the server would try again each time.
    "ALTER TABLE {schema}.results ALTER COLUMN result_data SET STORAGE EXTERNAL",
    # For those that have expired long ago; few results expire.
    (
        "CREATE INDEX IF NOT EXISTS results_that_expire ON {schema}.results "
        f"(namespace, {OVER}) WHERE expires_at IS NOT NULL"
    ),
    (
        f"CREATE TABLE IF NOT EXISTS {{schema}}.stores ({_NAMESPACE} PRIMARY KEY, "
        "store_id text NOT NULL, number bigint NOT NULL, demands_signing boolean NOT NULL)"
    ),
    (
        f"CREATE TABLE IF NOT EXISTS {{schema}}.covers ({_NAMESPACE}, cover {_TEXT} NOT NULL, "
        "number bigint NOT NULL, PRIMARY KEY (namespace, cover))"
    ),
    (
        f"CREATE TABLE IF NOT EXISTS {{schema}}.leases ({_NAMESPACE}, cache_key {_TEXT} NOT NULL, "
        f"token text NOT NULL, ends_at {_NUMBER} NOT NULL, PRIMARY KEY (namespace, cache_key)) "
        "WITH (fillfactor = 70)"
    ),
    (
        f"CREATE TABLE IF NOT EXISTS {{schema}}.counts ({_NAMESPACE}, "
        f"func_identifier {_TEXT} NOT NULL, hour bigint NOT NULL, {_COUNTS})"
    ),
    # A name may be too long for an index.
    (
        "CREATE UNIQUE INDEX IF NOT EXISTS counts_of_an_hour ON {schema}.counts "
        "(namespace, hour, md5(func_identifier))"
    ),
    (
        f"CREATE TABLE IF NOT EXISTS {{schema}}.remarks ({_NAMESPACE}, name {_TEXT} NOT NULL, "
        f"remark {_TEXT} NOT NULL)"
    ),
    (
        "CREATE UNIQUE INDEX IF NOT EXISTS remarks_by_name ON {schema}.remarks "
        "(namespace, md5(name))"
    ),
)

# What SQL may be asked of the store, for people and their tools. The columns are documented in
# docs/machines.md: a release may add some at the end, and takes none away. The views have the
# privileges of their owner, so that a role may read them and no data.
VIEWS: Final = (
    f"""
CREATE OR REPLACE VIEW {{schema}}.entries AS SELECT
  namespace, {NAME} AS function, version,
  ARRAY(SELECT json_array_elements_text(tags::json)) AS tags,
  cache_key AS key, arguments, greatest(size, 0) AS size, took, price,
  {_when("made_at")} AS made, {_when("used_at")} AS used, {_when("expires_at")} AS expires,
  result_type = 'FILE' AS in_storage, content_type, serializer
FROM {{schema}}.results
""",
    """
CREATE OR REPLACE VIEW {schema}.functions AS SELECT
  namespace, function, coalesce(entries, 0) AS entries, coalesce(size, 0) AS size, oldest, newest,
  coalesce(hits, 0) AS hits, coalesce(runs, 0) AS runs, coalesce(failures, 0) AS failures,
  coalesce(seconds_saved, 0) AS seconds_saved, coalesce(seconds_spent, 0) AS seconds_spent,
  coalesce(money_saved, 0) AS money_saved, coalesce(money_spent, 0) AS money_spent
FROM (
  SELECT namespace, function, count(*) AS entries, sum(size) AS size,
    min(made) AS oldest, max(made) AS newest
  FROM {schema}.entries GROUP BY namespace, function
) AS stored FULL JOIN (
  SELECT namespace, func_identifier AS function, sum(hits)::bigint AS hits,
    sum(runs)::bigint AS runs, sum(failures)::bigint AS failures,
    sum(seconds_saved) AS seconds_saved, sum(seconds_spent) AS seconds_spent,
    sum(money_saved) AS money_saved, sum(money_spent) AS money_spent
  FROM {schema}.counts GROUP BY namespace, func_identifier
  HAVING sum(hits) > 0 OR sum(runs) > 0
) AS counted USING (namespace, function)
""",
)
