"""`PostgresLimiter`: one rate for all machines, by the server's clock."""

from __future__ import annotations

from beautyspot.contracts import LimiterBase


class PostgresLimiter(LimiterBase):
    """A limiter in Postgres."""

    name = "postgres"
    schemes = ("postgres", "postgresql")
