"""The tables of limits, which `limit_functions` read and write.

A limit is a row, whose update is a version beside the last one in the same page: what changes with
each permit is in no index. `expires` changes once in ten minutes.
"""

from __future__ import annotations

from typing import Final

_LIMITS: Final = """
CREATE TABLE IF NOT EXISTS {schema}.limits (
  namespace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,   -- of a limit, or of one with the digest of a key
  epoch float8 NOT NULL,            -- a random number, of the call that began it
  base float8 NOT NULL,             -- the clock's whole seconds from which its times count
  rate float8 NOT NULL,
  tat float8 NOT NULL,
  now float8 NOT NULL,
  shift float8 NOT NULL,
  floor float8 NOT NULL,
  carry float8 NOT NULL,
  paused float8 NOT NULL,           -- the end of the pause for keys that it has moved by
  keys_paused float8 NOT NULL,      -- until when the limits of its keys pause, by the clock
  gaps float8[] NOT NULL,           -- start, end, start, end, ...
  expires timestamptz NOT NULL,
  PRIMARY KEY (namespace, name)
) WITH (fillfactor = 50)"""

_LIMITS_EXPIRE: Final = """
CREATE INDEX IF NOT EXISTS limits_expire ON {schema}.limits (expires)"""

_CALLS: Final = """
CREATE UNLOGGED TABLE IF NOT EXISTS {schema}.limit_calls (
  nonce float8 PRIMARY KEY,
  expires timestamptz NOT NULL
)"""
"""Which calls were run, of those that must not be run twice. A crash of the server empties it."""

_CALLS_EXPIRE: Final = """
CREATE INDEX IF NOT EXISTS limit_calls_expire ON {schema}.limit_calls (expires)"""

_LINE: Final = """
DO $$ BEGIN
  CREATE TYPE {schema}.limit_line AS (
    epoch float8, base float8, rate float8, tat float8, now float8, shift float8, floor float8,
    carry float8, paused float8, keys_paused float8, gaps float8[], expires timestamptz,
    tolerance float8,
    is_moved boolean,  -- by a pause, or since the clock was turned back
    length float8, start float8, finish float8, wait float8  -- of what the call takes
  );
EXCEPTION WHEN duplicate_object THEN NULL;
END $$"""
"""A limit in the course of a call: what its row holds, and what the call wants of it."""

STATEMENTS: Final = (
    _LIMITS,
    _LIMITS_EXPIRE,
    _CALLS,
    _CALLS_EXPIRE,
    _LINE,
)
