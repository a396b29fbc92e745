"""`PostgresLimiter`: how limits lie in the database. What they do is in `tests/machines/`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from beautyspot.errors import BeautyspotError
from beautyspot_postgres import PostgresLimiter
from servers.limiters import Contract, delays
from servers.postgres import Postgres

Make = Callable[..., PostgresLimiter]


@pytest.fixture
def make(postgres_server: Postgres, namespace: str) -> Make:
    """Each is one machine's view of the same limit: a permit a second."""

    def made(**options: Any) -> PostgresLimiter:
        given = {"rate": 1, "max_cost": 100, "namespace": namespace, **options}
        return PostgresLimiter(postgres_server.url, **given)

    return made


def names(server: Postgres, namespace: str, table: str = "limits") -> list[str]:
    query = f"SELECT name FROM beautyspot.{table} WHERE namespace = %s"
    return [name for (name,) in server.ask(query, namespace)]


def expire(server: Postgres, namespace: str, table: str = "limits") -> None:
    """Have what a table holds of a namespace be the first to be removed."""
    query = f"UPDATE beautyspot.{table} SET expires = '-infinity' WHERE namespace = %s"
    server.ask(query, namespace)


# --------------------------------------------------------------------------- what is kept there


def test_what_a_key_holds_expires_by_itself(
    make: Make, postgres_server: Postgres, namespace: str
) -> None:
    """And nothing shows the key itself."""
    limiter = make()
    limiter.for_key("customer").reserve(50)
    [name] = names(postgres_server, namespace)
    assert "customer" not in name
    query = "SELECT expires - clock_timestamp() > interval '100 s' FROM beautyspot.limits"
    assert postgres_server.ask(f"{query} WHERE namespace = %s", namespace) == [(True,)]
    expire(postgres_server, namespace)
    limiter.for_key("other").reserve()
    [other] = names(postgres_server, namespace)
    assert other != name
    assert delays(limiter.for_key("customer"), 1) == [0]


# ---------------------------------------------------------------------------------- what it does


def test_a_permit_waits_for_no_disk_and_no_standby(own: Postgres) -> None:
    """With a standby that is not there, what waits for its commit waits for good."""
    limiter = PostgresLimiter(own.url, rate=100)
    held = [limiter.reserve(), limiter.reserve()]
    own.ask("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    own.ask("SELECT pg_reload_conf()")
    for one in held:
        assert one
        limiter.settle(one, 2)
    limiter.release(limiter.reserve() or held[0])  # type: ignore[arg-type]
    limiter.pause(1)
    limiter.consume()


def test_a_limit_outlives_its_server(own: Postgres) -> None:
    limiter = PostgresLimiter(own.url, rate=1, max_cost=100)
    limiter.reserve(100)
    own.ask("CREATE TABLE something ()")  # whose commit waits for the disk, for all before it
    own.kill()
    own.start()
    assert limiter.wait_for() > 50
    limiter.close()


def test_limits_that_are_asked_in_any_order_wait_for_no_cycle(
    make: Make, postgres_server: Postgres
) -> None:
    orders = list(permutations(["a", "b", "c"]))
    failed: list[BaseException] = []

    def ask(order: tuple[str, ...]) -> None:
        limits = {name: make(limit=name, rate=1000) for name in order}
        both: Any = PostgresLimiter.together(limits)
        try:
            for _ in range(20):
                both.settle(both.reserve(dict.fromkeys(order, 1)), dict.fromkeys(order, 0))
        except BeautyspotError as error:
            failed.append(error)
        limits["a"].close()

    [[before]] = postgres_server.ask("SELECT sum(deadlocks) FROM pg_stat_database")
    threads = [threading.Thread(target=ask, args=[order]) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert postgres_server.ask("SELECT sum(deadlocks) FROM pg_stat_database") == [(before,)]


if "BEAUTYSPOT_TEST_POSTGRES_URL" in os.environ:  # else `tests/machines/` has it

    class TestAtAnAddress(Contract):
        @pytest.fixture(autouse=True)
        def _setting(self, postgres_url: str) -> None:
            self.setting = {"use": postgres_url}
