"""The functions of the metadata store that concern leases.

They may be lost with the last moments before a crash of the server, so nobody waits for its disk.
"""

from __future__ import annotations

from typing import Final

from beautyspot_postgres.store_functions import NOW, PLANS

ENTRY: Final = {
    "result_type": "text",
    "result_value": "text",
    "result_data": "bytea",
    "serializer": "text",
    "digest": "bytea",
    "made_at": "double precision",
    "expires_at": "double precision",
    "took": "double precision",
    "price": "double precision",
}
"""The fields of `Entry`, and their types."""

_RETURNED: Final = ", ".join(f"{name} {kind}" for name, kind in ENTRY.items())
_SHOWN: Final = ", ".join(
    "CASE WHEN octet_length(row.result_data) <= _most THEN row.result_data END"
    if name == "result_data"
    else f"row.{name}"
    for name in ENTRY
)

_BEGIN: Final = f"""
CREATE OR REPLACE FUNCTION {{schema}}.begin_calls(
  _namespace text, _keys text[], _tokens text[], _holder text, _seconds double precision,
  _looks boolean, _most bigint
) RETURNS TABLE (key text, generation bigint, now double precision, {_RETURNED})
LANGUAGE plpgsql {PLANS} AS $$
DECLARE
  _now double precision := {NOW};
  _taken text[];
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  WITH taken AS (
    INSERT INTO {{schema}}.leases AS held
    SELECT _namespace, asked.key, asked.token, _holder, _now + _seconds
    FROM unnest(_keys, _tokens) AS asked (key, token)
    WHERE NOT coalesce((
      SELECT other.ends_at > _now AND other.token <> asked.token FROM {{schema}}.leases AS other
      WHERE other.namespace = _namespace AND other.cache_key = asked.key
    ), false)
    ORDER BY asked.key
    ON CONFLICT (namespace, cache_key) DO UPDATE
    SET token = excluded.token, holder = excluded.holder, ends_at = excluded.ends_at
    WHERE held.ends_at <= _now OR held.token = excluded.token
    RETURNING held.cache_key
  ) SELECT array_agg(taken.cache_key) INTO _taken FROM taken;
  IF NOT _looks THEN
    RETURN QUERY SELECT taken.key, NULL::bigint, NULL::double precision,
      {", ".join(f"NULL::{kind}" for kind in ENTRY.values())}
    FROM unnest(_taken) AS taken (key);
    RETURN;
  END IF;
  RETURN QUERY SELECT taken.key, one.generation, {NOW}, {_SHOWN}
  FROM unnest(_taken) AS taken (key)
  LEFT JOIN LATERAL (
    SELECT * FROM {{schema}}.results AS found
    WHERE found.namespace = _namespace AND found.cache_key = taken.key LIMIT 1
  ) AS row ON true
  LEFT JOIN {{schema}}.stores AS one ON one.namespace = _namespace;
END $$"""  # noqa: S608 - of constants
"""Take those leases that are free, or whose time is over; with `_looks`, tell what calls need.

It may run twice with the same tokens. Data of more than `_most` bytes are left out.
"""

_RENEW: Final = f"""
CREATE OR REPLACE FUNCTION {{schema}}.renew_leases(
  _namespace text, _keys text[], _tokens text[], _seconds double precision
) RETURNS TABLE (token text)
LANGUAGE plpgsql {PLANS} AS $$
DECLARE
  _now double precision := {NOW};
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  FOR _one IN 1 .. cardinality(_keys) LOOP
    UPDATE {{schema}}.leases AS held SET ends_at = _now + _seconds
    WHERE held.namespace = _namespace AND held.cache_key = _keys[_one]
    AND held.token = _tokens[_one] AND held.ends_at > _now
    RETURNING held.token INTO token;
    IF FOUND THEN RETURN NEXT; END IF;
  END LOOP;
END $$"""  # noqa: S608 - of constants
"""Have leases hold for longer; the tokens of those that were not lost."""

_RELEASE: Final = f"""
CREATE OR REPLACE FUNCTION {{schema}}.release_leases(
  _namespace text, _keys text[], _tokens text[]
) RETURNS void
LANGUAGE plpgsql {PLANS} AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  FOR _one IN 1 .. cardinality(_keys) LOOP
    DELETE FROM {{schema}}.leases AS held WHERE held.namespace = _namespace
    AND held.cache_key = _keys[_one] AND held.token = _tokens[_one];
  END LOOP;
END $$"""  # noqa: S608 - of constants

_WAITS: Final = f"""
CREATE OR REPLACE FUNCTION {{schema}}.share_waits(
  _namespace text, _process text, _waits text, _seconds double precision
) RETURNS TABLE (others text)
LANGUAGE plpgsql AS $$
DECLARE
  _now double precision := {NOW};
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  IF _waits IS NULL THEN
    DELETE FROM {{schema}}.waits AS one
    WHERE one.namespace = _namespace AND one.process = _process;
  ELSE
    INSERT INTO {{schema}}.waits VALUES (_namespace, _process, _waits, _now + _seconds)
    ON CONFLICT (namespace, process) DO UPDATE
    SET waits = excluded.waits, ends_at = excluded.ends_at;
  END IF;
  DELETE FROM {{schema}}.waits AS one WHERE (one.namespace, one.process) IN (
    SELECT over.namespace, over.process FROM {{schema}}.waits AS over
    WHERE over.namespace = _namespace AND over.ends_at <= _now FOR UPDATE SKIP LOCKED
  );
  RETURN QUERY SELECT one.waits FROM {{schema}}.waits AS one
  WHERE one.namespace = _namespace AND one.process <> _process AND one.ends_at > _now;
END $$"""  # noqa: S608 - of constants
"""Tell what a process waits for, or no longer does, and give what others wait for."""

STATEMENTS: Final = (_BEGIN, _RENEW, _RELEASE, _WAITS)
