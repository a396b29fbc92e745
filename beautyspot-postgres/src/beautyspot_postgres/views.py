"""What SQL may be asked of the store, for people and their tools: two views.

Their columns are documented in docs/machines.md. A release may add some at the end, and takes none
away. They run with the privileges of their owner, so that a role may read them and no data.
"""

from __future__ import annotations

from typing import Final

from beautyspot_postgres.conditions import NAME


def _when(column: str) -> str:
    """A time that SQL can read; NULL where a stranger's row has a number that is none."""
    is_one = f"{column} BETWEEN -210866803200 AND 9224318015999"
    return f"CASE WHEN {is_one} THEN to_timestamp({column}) END"


ENTRIES: Final = f"""
CREATE OR REPLACE VIEW {{schema}}.entries AS SELECT
  namespace,
  {NAME} AS function,
  version,
  tags,
  coalesce(whole_key, cache_key) AS key,
  arguments,
  greatest(size, 0) AS size,
  took,
  price,
  {_when("made_at")} AS made,
  {_when("used_at")} AS used,
  {_when("expires_at")} AS expires,
  result_type = 'FILE' AS in_storage,
  content_type,
  serializer
FROM {{schema}}.results
"""  # noqa: S608 - of constants
"""A row for each result."""

FUNCTIONS: Final = """
CREATE OR REPLACE VIEW {schema}.functions AS SELECT
  namespace,
  function,
  coalesce(entries, 0) AS entries,
  coalesce(size, 0) AS size,
  oldest,
  newest,
  coalesce(hits, 0) AS hits,
  coalesce(runs, 0) AS runs,
  coalesce(failures, 0) AS failures,
  coalesce(seconds_saved, 0) AS seconds_saved,
  coalesce(seconds_spent, 0) AS seconds_spent,
  coalesce(money_saved, 0) AS money_saved,
  coalesce(money_spent, 0) AS money_spent
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
"""
"""A row for each function of a namespace that has results, or was called."""

STATEMENTS: Final = (ENTRIES, FUNCTIONS)
