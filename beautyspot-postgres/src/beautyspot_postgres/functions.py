"""The functions of the metadata store, in PL/pgSQL: `begin_calls` and `put`.

A function runs in one transaction, and each of its statements sees what was committed before that
statement: so one round trip does what would take several. Names that begin with ``_`` are of its
parameters and variables.
"""

from __future__ import annotations

from typing import Final

from beautyspot_postgres.tables import COLUMNS, OVER, kind

LARGE: Final = 32_768
"""Bytes of data over which an answer about many rows leaves them out."""

NOW: Final = "date_part('epoch', clock_timestamp())"
MICROS: Final = f"({NOW} * 1000000)::bigint"

LOCK: Final = "hashtextextended('{schema} ' || %s, 0)"
"""The number of a namespace's lock, which keeps puts from coming between the note of an
invalidation and its end: puts share it, and a note has it alone, until their transactions end."""

FOUND: Final = (
    *("result_data", "digest", "took", "made_at", "serializer", "price"),
    *("expires_at", "result_type", "result_value"),
)
"""The columns that a hit needs: the fields of `Plain`, and what an `Entry` has besides."""

SMALL: Final = ", ".join(
    [f"CASE WHEN octet_length(result_data) <= {LARGE} THEN result_data END", *FOUND[1:]]
)
"""The same for an answer about many rows."""

# A session keeps the plans of a function, and those of a table that was small would scan it all: so
# rows are looked up by the index, whatever is known of the tables.
PLANS: Final = (
    "SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off"
)

_BEGIN: Final = f"""
CREATE OR REPLACE FUNCTION {{schema}}.begin_calls(
  _namespace text, _token text, _seconds double precision,
  _keys text[], _rejected double precision[]
) RETURNS TABLE (
  key text, number bigint, now double precision,
  {", ".join(f"{name} {kind(name)}" for name in FOUND)}
) LANGUAGE plpgsql {PLANS} AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  number := (SELECT one.number FROM {{schema}}.stores AS one WHERE one.namespace = _namespace);
  now := {NOW};
  RETURN NEXT;
  FOR _one IN 1 .. cardinality(_keys) LOOP
    key := _keys[_one];
    FOR _look IN 1 .. 2 LOOP  -- again with the lease: its last holder may have stored the result
      SELECT {SMALL} INTO {", ".join(FOUND)} FROM {{schema}}.results
      WHERE namespace = _namespace AND cache_key = key
      AND (_rejected[_one] IS NULL OR made_at > _rejected[_one]);
      IF FOUND OR _look = 2 THEN
        RETURN NEXT;
        DELETE FROM {{schema}}.leases WHERE _look = 2 AND result_type IS NOT NULL
        AND namespace = _namespace AND cache_key = key AND token = _token;
        EXIT;
      END IF;
      INSERT INTO {{schema}}.leases AS held SELECT _namespace, key, _token, {NOW} + _seconds
      WHERE NOT EXISTS (  -- so that who waits writes nothing
        SELECT FROM {{schema}}.leases
        WHERE namespace = _namespace AND cache_key = key AND token <> _token AND ends_at > {NOW}
      ) ON CONFLICT (namespace, cache_key) DO UPDATE
      SET token = excluded.token, ends_at = excluded.ends_at
      WHERE held.token = excluded.token OR held.ends_at <= {NOW};
      EXIT WHEN NOT FOUND;
    END LOOP;
  END LOOP;
END $$"""
"""Its first row has the counter and the time. The others are of keys that have a row, with it, and
of keys that are leased now, without a `result_type`. A crash of the server may lose a lease: nobody
waits for its disk."""

_GIVEN: Final = ", ".join(f"_{name} {kind(name)}" for name in COLUMNS)
_VALUES: Final = ", ".join(
    "coalesce(_began_at, _now)" if name == "began_at" else f"_{name}" for name in COLUMNS
)
_SET: Final = ", ".join(f"{name} = excluded.{name}" for name in (*COLUMNS, "stored_at"))

_PUT: Final = f"""
CREATE OR REPLACE FUNCTION {{schema}}.put(
  _namespace text, _covers text[], _since bigint, _token text, _keep double precision, {_GIVEN}
) RETURNS boolean LANGUAGE plpgsql {PLANS} AS $$
DECLARE
  _now double precision;
  _is_stored boolean;
BEGIN
  PERFORM pg_advisory_xact_lock_shared({LOCK.replace("%s", "_namespace")});
  _now := {NOW};
  INSERT INTO {{schema}}.results AS old (namespace, stored_at, {", ".join(COLUMNS)})
  SELECT _namespace, _now, {_VALUES} WHERE _began_at IS NULL OR NOT EXISTS (
    SELECT FROM {{schema}}.covers
    WHERE namespace = _namespace AND cover = ANY (_covers) AND number > _since
  ) ON CONFLICT (namespace, cache_key) DO UPDATE SET {_SET}
  WHERE (
    _began_at IS NOT NULL AND old.made_at <= _now
    AND coalesce(old.began_at, old.made_at - coalesce(old.took, 0)) > excluded.began_at
  ) IS NOT TRUE;
  _is_stored := FOUND;
  DELETE FROM {{schema}}.leases
  WHERE namespace = _namespace AND cache_key = _cache_key AND token = _token;
  IF _expires_at IS NOT NULL AND _keep IS NOT NULL THEN
    DELETE FROM {{schema}}.results WHERE (namespace, cache_key) IN (
      SELECT namespace, cache_key FROM {{schema}}.results
      WHERE namespace = _namespace AND expires_at IS NOT NULL AND {OVER} < _now - _keep
      ORDER BY {OVER} LIMIT 12 FOR UPDATE SKIP LOCKED
    );
  END IF;
  RETURN _is_stored;
END $$"""
"""Whether the row was put. It also releases the lease, and removes some rows that have expired more
than `_keep` seconds ago, and were put before that."""

STATEMENTS: Final = (_BEGIN, _PUT)
