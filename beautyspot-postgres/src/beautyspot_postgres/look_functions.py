"""The function by which a result is looked up.

A statement that is not prepared is planned each time, which takes the server longer than to find
the row. The plan of a statement in a function is kept for the session. So a hit asks this one.
"""

from __future__ import annotations

from typing import Final

from beautyspot_postgres import rows
from beautyspot_postgres.store_functions import PLANS

FIND: Final = "SELECT {schema}.find($1, $2)"
"""A namespace and a key; gives one record of `rows.FOUND`, or null where there is no row."""

_FIND: Final = f"""
CREATE OR REPLACE FUNCTION {{schema}}.find(_namespace text, _key text) RETURNS record
LANGUAGE plpgsql STABLE PARALLEL SAFE {PLANS} AS $$
BEGIN
  RETURN (
    SELECT ROW({rows.FOUND}) FROM {{schema}}.results
    WHERE namespace = _namespace AND cache_key = _key
  );
END $$"""  # noqa: S608 - of constants

STATEMENTS: Final = (_FIND,)
