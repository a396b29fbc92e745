"""The functions of the metadata store that concern rows, what was invalidated, and counts.

A function runs in one transaction, and each of its statements sees what was committed before that
statement: so one round trip does what would take several. Names that begin with ``_`` are of its
parameters, so that none is that of a column.
"""

from __future__ import annotations

from typing import Final

from beautyspot_postgres.store_tables import COLUMNS, COUNTED, SET_BY_SERVER

_FIELDS: Final = [name for name in COLUMNS if name not in SET_BY_SERVER]

_PUT_ARRAYS: Final = ", ".join(
    f"_{name} {'text' if COLUMNS[name] == 'text[]' else COLUMNS[name]}[]" for name in _FIELDS
)
"""The parameters of `put`: an array for each column; tags as texts that the server reads."""

_GIVEN: Final = ", ".join(f"_{name}" for name in _FIELDS)
_NEW: Final = ", ".join(f"new.{name}" + ("::text[]" if name == "tags" else "") for name in _FIELDS)
_SET: Final = ", ".join(f"{name} = excluded.{name}" for name in [*_FIELDS[1:], "stored_at"])

MICROS: Final = "floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
NOW: Final = "date_part('epoch', clock_timestamp())"

PLANS: Final = (
    "SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off"
)
"""Of a function that looks rows up by their keys: always by the index; see `schema`."""

# The lock that keeps puts from coming between an invalidation's note and its end: puts share it,
# a note has it alone. It lasts as long as the transaction.
_LOCK: Final = """
CREATE OR REPLACE FUNCTION {schema}.lock_of(_namespace text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT hashtextextended('{schema} ' || _namespace, 0)
$$"""

_OPEN: Final = f"""
CREATE OR REPLACE FUNCTION {{schema}}.open_store(
  _namespace text, _store_id text, _demands_signing boolean
) RETURNS TABLE (store_id text, generation bigint, demands_signing boolean)
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO {{schema}}.stores AS old (namespace, store_id, generation, demands_signing)
  VALUES (_namespace, _store_id, {MICROS}, _demands_signing)
  ON CONFLICT (namespace) DO UPDATE SET demands_signing = true
  WHERE excluded.demands_signing AND NOT old.demands_signing;
  RETURN QUERY SELECT one.store_id, one.generation, one.demands_signing
  FROM {{schema}}.stores AS one WHERE one.namespace = _namespace;
END $$"""  # noqa: S608 - of constants
"""Make what is not there of a store."""

_PUT: Final = f"""
CREATE OR REPLACE FUNCTION {{schema}}.put(
  _namespace text, _is_valid boolean, _keep double precision, _since bigint[], _tokens text[],
  {_PUT_ARRAYS}
) RETURNS TABLE (stored text)
LANGUAGE plpgsql {PLANS} AS $$
DECLARE
  _now double precision;
BEGIN
  PERFORM pg_advisory_xact_lock_shared({{schema}}.lock_of(_namespace));
  _now := {NOW};
  RETURN QUERY
  INSERT INTO {{schema}}.results AS old (namespace, stored_at, {", ".join(_FIELDS)})
  SELECT _namespace, _now, {_NEW}
  FROM unnest({_GIVEN}, _since) AS new ({", ".join(_FIELDS)}, since)
  WHERE NOT _is_valid OR NOT coalesce((
    SELECT true FROM {{schema}}.invalidated AS what
    WHERE what.namespace = _namespace AND what.generation > new.since
    AND (what.cache_key IS NULL OR what.cache_key = coalesce(new.whole_key, new.cache_key))
    AND (what.func_identifier IS NULL OR what.func_identifier = new.func_identifier)
    AND (what.version IS NULL OR what.version = new.version)
    AND (what.tag IS NULL OR what.tag = ANY (new.tags::text[]))
    LIMIT 1
  ), (
    SELECT one.forgotten > new.since FROM {{schema}}.stores AS one
    WHERE one.namespace = _namespace
  ), false)
  ORDER BY new.cache_key
  ON CONFLICT (namespace, cache_key) DO UPDATE SET {_SET}
  WHERE NOT _is_valid OR NOT coalesce(
    coalesce(old.began_at, old.made_at - coalesce(old.took, 0)) > excluded.began_at
    AND old.made_at <= _now, false
  )
  RETURNING old.cache_key;
  IF _keep IS NOT NULL THEN
    DELETE FROM {{schema}}.results AS gone WHERE (gone.namespace, gone.cache_key) IN (
      SELECT over.namespace, over.cache_key FROM {{schema}}.results AS over
      WHERE over.namespace = _namespace AND over.expires_at < _now - _keep
      AND over.stored_at < _now - _keep
      ORDER BY over.expires_at LIMIT 10 + 2 * cardinality(_cache_key) FOR UPDATE SKIP LOCKED
    );
  END IF;
  IF _tokens IS NOT NULL THEN
    FOR _one IN 1 .. cardinality(_tokens) LOOP
      DELETE FROM {{schema}}.leases AS held WHERE held.namespace = _namespace
      AND held.cache_key = _cache_key[_one] AND held.token = _tokens[_one];
    END LOOP;
  END IF;
END $$"""  # noqa: S608 - of constants
"""Put rows, and release their leases; the keys that were put.

Where `_is_valid`, no row that was invalidated after `_since`, and none over a newer one. `_tokens`
are those of the leases to release. With `_keep`, some rows are removed that expired so many seconds
ago.
"""

_NOTE: Final = f"""
CREATE OR REPLACE FUNCTION {{schema}}.note(
  _namespace text, _store_id text, _key text, _func_identifier text, _version text, _tag text,
  _most bigint, _every bigint
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  _generation bigint;
  _noted bigint;
  _last bigint;
BEGIN
  PERFORM pg_advisory_xact_lock({{schema}}.lock_of(_namespace));
  LOOP
    UPDATE {{schema}}.stores AS one
    SET generation = greatest(one.generation + 1, {MICROS}), noted = one.noted + 1
    WHERE one.namespace = _namespace
    RETURNING one.generation, one.noted INTO _generation, _noted;
    EXIT WHEN FOUND;
    PERFORM {{schema}}.open_store(_namespace, _store_id, false);
  END LOOP;
  INSERT INTO {{schema}}.invalidated
  VALUES (_namespace, _generation, _key, _func_identifier, _version, _tag);
  IF _noted % _every = 0 THEN
    SELECT what.generation INTO _last FROM {{schema}}.invalidated AS what
    WHERE what.namespace = _namespace ORDER BY what.generation DESC OFFSET _most LIMIT 1;
    IF FOUND THEN
      UPDATE {{schema}}.stores AS one SET forgotten = _last WHERE one.namespace = _namespace;
      DELETE FROM {{schema}}.invalidated AS what
      WHERE what.namespace = _namespace AND what.generation <= _last;
    END IF;
  END IF;
END $$"""  # noqa: S608 - of constants
"""Note what was invalidated; from time to time, forget what is older than the last `_most`."""

# Many clients that find one result write its last use once an hour, not each of them. What another
# statement is just changing is left out: to write a last use is not worth a wait.
_TOUCH: Final = """
CREATE OR REPLACE FUNCTION {schema}.touch(
  _namespace text, _keys text[], _times double precision[]
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE {schema}.results AS one SET used_at = used.time
  FROM unnest(_keys, _times) AS used (key, time)
  WHERE one.namespace = _namespace AND one.cache_key = used.key
  AND (one.used_at IS NULL OR abs(one.used_at - used.time) >= 3600) AND used.key IN (
    SELECT free.cache_key FROM {schema}.results AS free
    WHERE free.namespace = _namespace AND free.cache_key = ANY (_keys)
    FOR NO KEY UPDATE SKIP LOCKED
  );
END $$"""

LEFT: Final = 3600
"""Seconds after which a lease is removed whose holder has died, if nobody else took it."""

_NUMBERS: Final = [name for name in COUNTED if name not in ("func_identifier", "hour")]
_COUNT_ARRAYS: Final = ", ".join(f"_{name} {kind}[]" for name, kind in COUNTED.items())
_COUNT_GIVEN: Final = ", ".join(f"_{name}" for name in COUNTED)
_COUNT_SUMS: Final = ", ".join(f"sum(new.{name})" for name in _NUMBERS)
_COUNT_SET: Final = ", ".join(f"{name} = old.{name} + excluded.{name}" for name in _NUMBERS)

_COUNT: Final = f"""
CREATE OR REPLACE FUNCTION {{schema}}.count(_namespace text, {_COUNT_ARRAYS}) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO {{schema}}.counts AS old (namespace, {", ".join(COUNTED)})
  SELECT _namespace, new.func_identifier, new.hour, {_COUNT_SUMS}
  FROM unnest({_COUNT_GIVEN}) AS new ({", ".join(COUNTED)})
  GROUP BY new.func_identifier, new.hour ORDER BY new.func_identifier, new.hour
  ON CONFLICT (namespace, hour, md5(func_identifier)) DO UPDATE SET {_COUNT_SET};
  DELETE FROM {{schema}}.leases AS gone WHERE (gone.namespace, gone.cache_key) IN (
    SELECT held.namespace, held.cache_key FROM {{schema}}.leases AS held
    WHERE held.namespace = _namespace AND held.ends_at < {NOW} - {LEFT}
    LIMIT 1000 FOR UPDATE SKIP LOCKED
  );
END $$"""  # noqa: S608 - of constants
"""Add to counts; and since that is done from time to time, remove leases of the dead."""

STATEMENTS: Final = (_LOCK, _OPEN, _PUT, _NOTE, _TOUCH, _COUNT)
