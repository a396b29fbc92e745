"""The functions that keep the time of limits, in PL/pgSQL.

What they do is in `beautyspot_local.remote.keeping`, the algorithm in `beautyspot_local.timeline`,
whose methods have the names of the functions.

Each call of a client is one statement, and that is a transaction: a client that stops holds no
lock. Calls for one limit queue at an advisory lock, which ends with the transaction; a call for
several takes the locks in the order of their numbers. Then it reads the clock. A call that only
looks waits for nobody. Expired rows are removed by the calls that add one.

A session keeps the plans of its statements, and those of a table that was small at first are scans
of it all, until its statistics are renewed. So the functions that clients call do without scans.

Permits are committed before the disk has them: a crash of the server forgets those of its last
moments, and to wait for the disk would cost each call some milliseconds.
"""

from __future__ import annotations

from typing import Final

_ROUNDING: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_rounding(at float8) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$ SELECT greatest(at, 0.5) * 7.2e-15 $$"""
"""How far two ways of adding up to a time may be apart."""

_WAIT_UNTIL: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_wait_until(
  line {schema}.limit_line, start float8, length float8
) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
  opens float8 := greatest(start, line.floor);
  missing float8 := opens - line.tolerance - line.now;
BEGIN
  IF missing > least(32 * {schema}.limit_rounding(opens), length / 2) THEN
    RETURN missing;
  END IF;
  RETURN 0;
END $$"""

_PAUSE: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_pause(line {schema}.limit_line, seconds float8)
RETURNS {schema}.limit_line LANGUAGE plpgsql AS $$
DECLARE
  more float8;
BEGIN
  line.floor := greatest(line.floor, line.now + line.tolerance);
  more := seconds - (line.floor - line.tolerance - line.now);
  IF more > 0 THEN
    line.shift := line.shift + more;
    line.now := line.now - more;
  END IF;
  line.tat := greatest(line.tat, line.floor);
  RETURN line;
END $$"""

_EARLIEST: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_earliest(line {schema}.limit_line, after float8)
RETURNS {schema}.limit_line LANGUAGE plpgsql AS $$
DECLARE
  since float8 := line.now + after;
  opens float8 := greatest(since, line.floor);
  at float8;
BEGIN
  line.start := greatest(since, line.tat);
  FOR i IN 1 .. cardinality(line.gaps) BY 2 LOOP
    at := greatest(line.gaps[i], opens);
    IF at < line.gaps[i + 1]
      AND at + line.length <= line.gaps[i + 1] + {schema}.limit_rounding(line.gaps[i + 1])
    THEN
      line.start := at;
      EXIT;
    END IF;
  END LOOP;
  line.wait := greatest(after, {schema}.limit_wait_until(line, line.start, line.length));
  RETURN line;
END $$"""
"""Finds where the first free interval starts, `after` seconds from now or later, and its wait."""

_ADD_GAP: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_add_gap(gaps float8[], start float8, finish float8)
RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
  at int := 1;
BEGIN
  WHILE gaps[at] < start LOOP
    at := at + 2;
  END LOOP;
  IF gaps[at] = finish THEN
    finish := gaps[at + 1];
    gaps := gaps[: at - 1] || gaps[at + 2 :];
  END IF;
  IF gaps[at - 1] = start THEN
    at := at - 2;
    start := gaps[at];
    gaps := gaps[: at - 1] || gaps[at + 2 :];
  END IF;
  RETURN gaps[: at - 1] || ARRAY[start, finish] || gaps[at :];
END $$"""

_DROP_PASSED: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_drop_passed(gaps float8[], passed float8)
RETURNS float8[] LANGUAGE sql AS $$
  SELECT coalesce(array_agg(edge ORDER BY edge), '{}') FROM (
    SELECT gaps[at] AS start, gaps[at + 1] AS finish
    FROM generate_series(1, cardinality(gaps), 2) AS at
    WHERE gaps[at + 1] > passed
    ORDER BY gaps[at + 1] - gaps[at] DESC, at LIMIT 64
  ) AS gap, unnest(ARRAY[start, finish]) AS edge
$$"""
"""Keeps the gaps that have not passed, the longest 64 of them."""

_APPEND: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_append(line {schema}.limit_line)
RETURNS {schema}.limit_line LANGUAGE plpgsql AS $$
DECLARE
  length float8 := line.length;
BEGIN
  IF line.start > line.tat THEN
    line.carry := 0;
    IF line.start > line.now THEN
      line.gaps := {schema}.limit_add_gap(line.gaps, greatest(line.tat, line.now), line.start);
    END IF;
  END IF;
  length := length + line.carry;
  line.tat := line.start + length;
  line.carry := length - (line.tat - line.start);
  line.finish := line.tat;
  RETURN line;
END $$"""

_TAKE: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_take(line {schema}.limit_line)
RETURNS {schema}.limit_line LANGUAGE plpgsql AS $$
DECLARE
  at int := cardinality(line.gaps) - 1;
  gap_start float8;
  gap_finish float8;
  rest float8[] := '{}';
BEGIN
  IF line.start >= line.tat THEN
    RETURN {schema}.limit_append(line);
  END IF;
  WHILE line.gaps[at] > line.start LOOP
    at := at - 2;
  END LOOP;
  gap_start := line.gaps[at];
  gap_finish := line.gaps[at + 1];
  IF line.start > gap_start AND line.start > line.now THEN
    rest := ARRAY[gap_start, line.start];
  END IF;
  line.finish := line.start + line.length;
  IF abs(gap_finish - line.finish) <= {schema}.limit_rounding(gap_finish) THEN
    line.finish := gap_finish;  -- filled to its very end, so that neighbours still touch
  ELSE
    rest := rest || ARRAY[line.finish, gap_finish];
  END IF;
  line.gaps := line.gaps[: at - 1] || rest || line.gaps[at + 2 :];
  RETURN line;
END $$"""
"""Takes what `limit_earliest` found."""

_GIVE_BACK: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_give_back(
  line {schema}.limit_line, start float8, finish float8
) RETURNS {schema}.limit_line LANGUAGE plpgsql AS $$
DECLARE
  last int := cardinality(line.gaps);
BEGIN
  IF finish <= line.now OR start >= finish THEN
    RETURN line;
  END IF;
  IF finish <> line.tat THEN
    line.gaps := {schema}.limit_add_gap(line.gaps, start, finish);
    RETURN line;
  END IF;
  WHILE line.gaps[last] = start LOOP
    start := line.gaps[last - 1];
    last := last - 2;
  END LOOP;
  line.gaps := line.gaps[: last];
  line.tat := greatest(start, line.floor);
  RETURN line;
END $$"""

_LOCK: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_lock(kind text, space text, names text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  number bigint;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  IF cardinality(names) = 1 THEN
    PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(E'\\n', kind, space, names[1]), 0));
    RETURN;
  END IF;
  FOR number IN
    SELECT DISTINCT hashtextextended(concat_ws(E'\\n', kind, space, name), 0)
    FROM unnest(names) AS name ORDER BY 1
  LOOP
    PERFORM pg_advisory_xact_lock(number);
  END LOOP;
END $$"""

_READ: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_read(
  space text, limit_name text, pause_name text, reading float8, nonce float8, tolerance float8,
  rate float8
) RETURNS {schema}.limit_line LANGUAGE plpgsql AS $$
DECLARE
  line {schema}.limit_line;
  until float8;
BEGIN
  SELECT l.epoch, l.base, l.rate, l.tat, l.now, l.shift, l.floor, l.carry, l.paused,
      l.keys_paused, l.gaps, l.expires
    INTO line FROM {schema}.limits AS l WHERE l.namespace = space AND l.name = limit_name;
  IF NOT FOUND THEN
    line.epoch := nonce;
    line.base := floor(reading);
    line.rate := rate;
    line.tat := reading - line.base;
    line.now := line.tat;
    line.floor := line.tat;
    line.shift := 0;
    line.carry := 0;
    line.paused := 0;
    line.keys_paused := 0;
    line.gaps := '{}';
    line.expires := '-infinity';
  END IF;
  line.tolerance := tolerance;
  line.is_moved := reading - line.base - line.shift < line.now;
  IF line.is_moved THEN
    line.shift := reading - line.base - line.now;
  ELSE
    line.now := reading - line.base - line.shift;
  END IF;
  IF line.gaps[2] <= greatest(line.now, line.floor) OR cardinality(line.gaps) > 128 THEN
    line.gaps := {schema}.limit_drop_passed(line.gaps, greatest(line.now, line.floor));
  END IF;
  IF pause_name <> limit_name THEN
    SELECT l.keys_paused INTO until
      FROM {schema}.limits AS l WHERE l.namespace = space AND l.name = pause_name;
    IF until <> line.paused AND until > reading THEN
      line := {schema}.limit_pause(line, until - reading);
      line.paused := until;
      line.is_moved := true;
    END IF;
  END IF;
  RETURN line;
END $$"""
"""A limit at a reading of the clock, and after the pause of what it was made from."""

_WRITE: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_write(
  space text, limit_name text, line {schema}.limit_line, new_rate float8
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  busy float8 := greatest(
    line.tat - line.now, line.keys_paused - line.base - line.shift - line.now, 0);
  needed timestamptz := clock_timestamp() + least(busy + 60, 1e9) * interval '1 s';
BEGIN
  IF line.expires < needed THEN
    line.expires := needed + interval '10 min';
  END IF;
  UPDATE {schema}.limits AS l SET
      epoch = line.epoch, base = line.base, rate = new_rate, tat = line.tat, now = line.now,
      shift = line.shift, floor = line.floor, carry = line.carry, paused = line.paused,
      keys_paused = line.keys_paused, gaps = line.gaps, expires = line.expires
    WHERE l.namespace = space AND l.name = limit_name;
  IF FOUND THEN
    RETURN;
  END IF;
  INSERT INTO {schema}.limits VALUES (
    space, limit_name, line.epoch, line.base, new_rate, line.tat, line.now, line.shift, line.floor,
    line.carry, line.paused, line.keys_paused, line.gaps, line.expires);
  DELETE FROM {schema}.limits WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {schema}.limits WHERE expires < now()
    ORDER BY expires LIMIT 3 FOR UPDATE SKIP LOCKED));
END $$"""

_IS_FIRST_RUN: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_is_first_run(call float8) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO {schema}.limit_calls VALUES (call, clock_timestamp() + interval '30 s')
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  DELETE FROM {schema}.limit_calls WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {schema}.limit_calls WHERE expires < now()
    ORDER BY expires LIMIT 3 FOR UPDATE SKIP LOCKED));
  RETURN true;
END $$"""

_PLAN: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_plan(lines {schema}.limit_line[], after float8)
RETURNS {schema}.limit_line[] LANGUAGE plpgsql AS $$
DECLARE
  line {schema}.limit_line;
  latest float8 := after;
  again boolean;
BEGIN
  FOR i IN 1 .. cardinality(lines) LOOP
    line := {schema}.limit_earliest(lines[i], after);
    latest := greatest(latest, line.wait);
    lines[i] := line;
  END LOOP;
  LOOP
    after := latest;
    again := false;
    FOR i IN 1 .. cardinality(lines) LOOP
      line := lines[i];
      IF line.wait < after - 1e-6 THEN
        line := {schema}.limit_earliest(line, after);
        latest := greatest(latest, line.wait);
        lines[i] := line;
        again := true;
      END IF;
    END LOOP;
    EXIT WHEN NOT again;
  END LOOP;
  -- The wait of the first is that of all.
  line := lines[1];
  line.wait := after;
  lines[1] := line;
  RETURN lines;
END $$"""
"""Finds where intervals of all lines begin at one moment, `after` seconds from now or later."""

_RUN: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_run(
  operation text, space text, clock float8, nonce float8, first float8, second float8,
  names text[], pause_names text[], tolerances float8[], rates float8[], given float8[],
  locks boolean DEFAULT false
) RETURNS float8[] LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  reading float8;
  each int := cardinality(given) / cardinality(names);
  line {schema}.limit_line;
  lines {schema}.limit_line[];
  is_moved boolean := false;
  takes boolean := false;
  changes boolean := operation IN ('release', 'settle', 'pause');
  is_late boolean := false;
  shortest float8 := 'infinity';
  longest float8 := 0;
  left_over float8;
  answer float8[] := '{}';
  at int;
BEGIN
  locks := locks OR changes OR (operation = 'reserve' AND second IS DISTINCT FROM -1);
  IF locks THEN
    PERFORM {schema}.limit_lock('limit', space, names);
  END IF;
  reading := coalesce(clock, date_part('epoch', clock_timestamp()));
  FOR i IN 1 .. cardinality(names) LOOP
    line := {schema}.limit_read(
      space, names[i], pause_names[i], reading, nonce, tolerances[i], rates[i]);
    is_moved := is_moved OR line.is_moved;
    at := each * (i - 1) + 1;
    IF operation = 'look' THEN
      answer := answer || ARRAY[
        greatest(0, line.tat - line.now), line.base + line.tat + line.shift];
    ELSIF operation = 'reserve' THEN
      line.length := given[at];
    ELSIF operation = 'remaining' THEN
      line.length := given[at + 2] - given[at + 1];
      is_late := is_late OR given[at] <> line.epoch OR line.now > given[at + 2] + 0.1;
      left_over := {schema}.limit_wait_until(line, given[at + 1], line.length);
      shortest := least(shortest, left_over);
      longest := greatest(longest, left_over);
    END IF;
    lines[i] := line;
  END LOOP;

  IF operation = 'reserve' THEN
    lines := {schema}.limit_plan(lines, first);
    longest := (lines[1]).wait;
    answer := ARRAY[longest];
    takes := second IS NULL OR longest <= second;
  ELSIF operation = 'remaining' THEN
    answer := ARRAY[longest];
    takes := is_late OR longest - shortest > 1e-6;
  END IF;
  IF NOT locks THEN
    IF takes OR is_moved THEN  -- it has to change something, and is run again for that
      RETURN {schema}.limit_run(operation, space, clock, nonce, first, second, names,
        pause_names, tolerances, rates, given, true);
    END IF;
    RETURN answer;
  END IF;

  IF operation IN ('release', 'settle') OR (takes AND operation = 'remaining') THEN
    IF {schema}.limit_is_first_run(nonce) THEN
      FOR i IN 1 .. cardinality(names) LOOP
        at := each * (i - 1) + 1;
        lines[i] := {schema}.limit_freed(
          lines[i], given[at], given[at + 1], given[at + 2],
          CASE operation WHEN 'settle' THEN given[at + 3] ELSE 0 END);
      END LOOP;
    END IF;
  END IF;
  IF takes THEN
    IF operation = 'remaining' THEN
      lines := {schema}.limit_plan(lines, 0);
      answer := ARRAY[(lines[1]).wait];
    END IF;
    FOR i IN 1 .. cardinality(names) LOOP
      line := {schema}.limit_take(lines[i]);
      answer := answer || ARRAY[line.epoch, line.start, line.finish, line.rate];
      lines[i] := line;
    END LOOP;
  ELSIF operation = 'pause' THEN
    FOR i IN 1 .. cardinality(names) LOOP
      line := {schema}.limit_pause(lines[i], first);
      IF second IS NOT NULL THEN
        line.keys_paused := greatest(line.keys_paused, reading + first);
      END IF;
      lines[i] := line;
    END LOOP;
  END IF;
  IF takes OR changes OR is_moved THEN
    FOR i IN 1 .. cardinality(names) LOOP
      PERFORM {schema}.limit_write(space, names[i], lines[i], rates[i]);
    END LOOP;
  END IF;
  RETURN answer;
END $$"""

_FREED: Final = """
CREATE OR REPLACE FUNCTION {schema}.limit_freed(
  line {schema}.limit_line, epoch float8, start float8, finish float8, used float8
) RETURNS {schema}.limit_line LANGUAGE plpgsql AS $$
BEGIN
  IF start + used > finish THEN
    IF epoch <> line.epoch THEN
      line.tat := greatest(line.tat, line.now);
    END IF;
    line.tat := line.tat + (start + used - finish);
  ELSIF epoch = line.epoch THEN
    RETURN {schema}.limit_give_back(line, start + used, finish);
  END IF;
  RETURN line;
END $$"""
"""Corrects an interval of which so many seconds are used, which may be more than it has."""

STATEMENTS: Final = (
    _ROUNDING,
    _WAIT_UNTIL,
    _PAUSE,
    _EARLIEST,
    _ADD_GAP,
    _DROP_PASSED,
    _APPEND,
    _TAKE,
    _GIVE_BACK,
    _FREED,
    _LOCK,
    _READ,
    _WRITE,
    _IS_FIRST_RUN,
    _PLAN,
    _RUN,
)
