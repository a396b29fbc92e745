"""What the limiter keeps in the database: a table, and the function that does all with it.

The function is a `beautyspot.contracts.Schedule` in PL/pgSQL. Each call of it is a transaction, so
a client that stops holds no lock. Calls for one key queue at a lock, and read the clock behind it.

Times are kept as seconds from when they were written. So of everything the same is left where the
clock was turned back, and sums of many short times are exact, which those of the clock's readings
are not: a float that counts from 1970 has steps of 0.2 microseconds. What has no key is not written
by the calls of each key, so a pause of all keys may last as long again after the clock was turned
back.

Names that begin with ``_`` are of the function's parameters and variables.
"""

from __future__ import annotations

from typing import Final

from beautyspot.contracts import SOON

from beautyspot_postgres.functions import NOW, PLANS

# Its updates lie beside the last version of the row, in the same page: what changes with each
# permit is in no index. `expires` changes once in ten minutes.
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS {schema}.schedules (
  namespace text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,     -- a digest; '' is what has no key, and its pause is for all
  name text COLLATE "C" NOT NULL,    -- of the limit
  seen double precision NOT NULL,    -- when it was asked last
  made double precision NOT NULL,    -- when it was made
  total double precision NOT NULL,   -- seconds that were taken since, in all, of all limits
  taken double precision NOT NULL,   -- seconds from when it was asked, until what was granted ends
  start double precision NOT NULL,   -- the same, until the last call begins that was granted
  paused double precision NOT NULL,  -- the same, until the pause ends
  expires double precision NOT NULL,
  PRIMARY KEY (namespace, key, name)
) WITH (fillfactor = 50)"""

_EXPIRES: Final = "CREATE INDEX IF NOT EXISTS schedules_expire ON {schema}.schedules (expires)"

_TIME: Final = f"coalesce(_clock, {NOW})"

_ASK: Final = f"""
CREATE OR REPLACE FUNCTION {{schema}}.ask_limits(
  _namespace text, _key text, _clock double precision, _names text[],
  _rates double precision[], _bursts double precision[], _costs double precision[],
  _changes double precision[], _granted double precision, _sum double precision,
  _pause double precision
) RETURNS double precision[] LANGUAGE plpgsql {PLANS} AS $$
DECLARE
  _now double precision;
  _made double precision;
  _total double precision;
  _longest double precision;
  _taken double precision[];
  _paused double precision[];
  _held double precision[];
  _start double precision;
  _delay double precision;
  _answer double precision[];
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM pg_advisory_xact_lock(
    hashtextextended(concat_ws(E'\\n', '{{schema}} limits', _namespace, _key), 0));
  UPDATE {{schema}}.schedules SET seen = {_TIME}
  WHERE namespace = _namespace AND key = '' AND name = ANY (_names) AND seen > {_TIME};
  _now := {_TIME};
  SELECT max(coalesce(own.made, _now)),
    max(coalesce(own.total, 0)) + sum(greatest(change, 0)),
    array_agg(CASE WHEN change > 0 THEN left_over + change WHEN own.made = _granted THEN
        greatest(left_over + change, least(left_over, first + own.total - _sum))
      ELSE left_over END ORDER BY place),
    array_agg(greatest(own.paused - passed, _pause) ORDER BY place),
    array_agg(greatest(own.paused - passed, of_all.paused - greatest(_now - of_all.seen, 0), 0)
      ORDER BY place), max(first)
  INTO _made, _total, _taken, _paused, _held, _start
  FROM unnest(_names, _changes) WITH ORDINALITY AS given (limit_name, change, place)
  LEFT JOIN {{schema}}.schedules AS own
    ON own.namespace = _namespace AND own.key = _key AND own.name = limit_name
  LEFT JOIN {{schema}}.schedules AS of_all
    ON of_all.namespace = _namespace AND of_all.key = '' AND of_all.name = limit_name
  CROSS JOIN LATERAL greatest(_now - own.seen, 0) AS passed
  CROSS JOIN LATERAL coalesce(own.taken - passed, 0) AS left_over
  CROSS JOIN LATERAL greatest(own.start - passed, 0) AS first;
  _answer := ARRAY[0, _made];
  FOR _call IN 0 .. cardinality(_costs) - 1 BY cardinality(_names) LOOP
    _delay := _start;
    FOR _one IN 1 .. cardinality(_names) LOOP
      IF _costs[_call + _one] > 0 THEN
        _delay := greatest(_delay, _held[_one], _taken[_one] - _bursts[_one] / _rates[_one]);
      END IF;
    END LOOP;
    IF _delay > {SOON} THEN
      _answer[1] := _delay;
      EXIT;
    END IF;
    _longest := 0;
    FOR _one IN 1 .. cardinality(_names) LOOP
      IF _costs[_call + _one] > 0 THEN
        _taken[_one] := greatest(_taken[_one], _delay) + _costs[_call + _one] / _rates[_one];
        _longest := greatest(_longest, _costs[_call + _one] / _rates[_one]);
      END IF;
    END LOOP;
    _start := _delay;
    _total := _total + _longest;
    _answer := _answer || _delay || _total;
  END LOOP;
  INSERT INTO {{schema}}.schedules AS old
  SELECT _namespace, _key, each.name, _now, _made, _total, each.taken, _start, each.paused,
    {NOW} + greatest(each.taken, each.paused) + 60
  FROM unnest(_names, _taken, _paused) AS each (name, taken, paused)
  ON CONFLICT (namespace, key, name) DO UPDATE SET seen = excluded.seen, made = excluded.made,
    total = excluded.total, taken = excluded.taken, start = excluded.start,
    paused = excluded.paused, expires = CASE
      WHEN old.expires < excluded.expires THEN excluded.expires + 600 ELSE old.expires END;
  DELETE FROM {{schema}}.schedules WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {{schema}}.schedules WHERE expires < date_part('epoch', now())
    ORDER BY expires LIMIT 3 FOR UPDATE SKIP LOCKED
  ));
  RETURN _answer;
END $$"""
"""Corrects what was taken by `_changes`, in seconds, of a call that was granted when the rows were
those made at `_granted`, and their total `_sum`; pauses for `_pause` seconds, 0 is not at all;
and then grants what `_costs` ask, limit by limit and call by call. It answers as
`RemoteLimiter._take`. A crash of the server may lose its last moments: nobody waits for its disk.
It also removes some rows that all have left behind for a minute."""

STATEMENTS: Final = (_TABLE, _EXPIRES, _ASK)
