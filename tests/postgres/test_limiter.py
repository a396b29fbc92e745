"""`PostgresLimiter`: how limits lie in the database. What they do is in `tests/machines/`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from itertools import permutations
from typing import Any

import psycopg
import pytest
from beautyspot.errors import BeautyspotError, ConfigError
from beautyspot_postgres import PostgresLimiter
from servers.limiters import Contract, delays
from servers.postgres import Postgres
from servers.valkey import until

Make = Callable[..., PostgresLimiter]


@pytest.fixture
def make(postgres_server: Postgres, namespace: str) -> Make:
    """Each is one machine's view of the same limit: a permit a second."""

    def made(**options: Any) -> PostgresLimiter:
        given = {"rate": 1, "max_cost": 100, "namespace": namespace, **options}
        return PostgresLimiter(postgres_server.url, **given)

    return made


def rows(server: Postgres, namespace: str) -> dict[tuple[str, str], float]:
    """Of each limit and key, for how many seconds its row stays."""
    query = (
        "SELECT key, name, expires - date_part('epoch', clock_timestamp()) "
        "FROM beautyspot.schedules WHERE namespace = %s"
    )
    return {(key, name): left for key, name, left in server.ask(query, namespace)}


# --------------------------------------------------------------------------- what is kept there


def test_what_a_key_holds_expires_by_itself(
    make: Make, postgres_server: Postgres, namespace: str
) -> None:
    """And nothing shows the key itself."""
    limiter = make()
    assert delays(limiter, 50, key="customer") == [0]
    [((digest, name), left)] = rows(postgres_server, namespace).items()
    assert (len(digest), name) == (32, "rate")
    assert 60 < left <= 110
    limiter.pause(1000, key="customer")
    assert rows(postgres_server, namespace)[digest, name] > 1000
    postgres_server.ask(
        "UPDATE beautyspot.schedules SET expires = '-infinity' WHERE namespace = %s", namespace
    )
    assert delays(limiter, 1, key="other") == [0]
    assert [*rows(postgres_server, namespace)] != [(digest, name)]
    assert delays(limiter, 1, key="customer") == [0], "it was removed"


def test_what_is_used_again_does_not_expire(
    make: Make, postgres_server: Postgres, namespace: str
) -> None:
    limiter = make(rate=1e6)
    for _ in range(3):
        postgres_server.ask(
            "UPDATE beautyspot.schedules SET expires = 0 WHERE namespace = %s", namespace
        )
        assert delays(limiter, 1) == [0]
        assert rows(postgres_server, namespace)["", "rate"] > 59


def test_small_costs_at_a_high_rate_are_not_rounded(make: Make) -> None:
    """As the time of day would be: a tenth of a microsecond is beneath what a float of it tells."""
    limiter = make(rate=1e7, max_cost=1e6, clock=lambda: 1.9e9)
    for _ in range(1000):
        limiter.take([{"rate": 1}] * 100)
    limiter.take([{"rate": 9e5}])
    assert delays(limiter, 1) == [pytest.approx(0.1)]


@pytest.mark.parametrize("name", ["n" * 201, "a\0b", "\ud800"])
def test_names_that_no_table_holds(make: Make, name: str) -> None:
    for option in ("namespace", "limit"):
        with pytest.raises(ConfigError, match=f"{option}=.* is too long, or no UTF-8"):
            make(**{option: name})


# ---------------------------------------------------------------------------------- what it does


def test_a_permit_waits_for_no_disk_and_no_standby(own: Postgres) -> None:
    """With a standby that is not there, what waits for its commit waits for good."""
    limiter = PostgresLimiter(own.url, rate=100)
    first, second = limiter.consume(), limiter.consume()
    own.ask("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    own.ask("SELECT pg_reload_conf()")
    limiter.settle(first, 2)
    limiter.settle(second, 0)
    limiter.pause(0.01)
    limiter.consume()
    limiter.close()


def test_a_limit_outlives_its_server(own: Postgres) -> None:
    limiter = PostgresLimiter(own.url, rate=1, max_cost=100)
    limiter.consume(100)
    own.ask("CREATE TABLE something ()")  # whose commit waits for the disk, for all before it
    own.kill()
    own.start()
    assert delays(limiter, 1)[0] > 50
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
                both.settle(both.consume(dict.fromkeys(order, 1)), dict.fromkeys(order, 0))
        except BeautyspotError as error:
            failed.append(error)
        both.close()

    [[before]] = postgres_server.ask("SELECT sum(deadlocks) FROM pg_stat_database")
    threads = [threading.Thread(target=ask, args=[order]) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert postgres_server.ask("SELECT sum(deadlocks) FROM pg_stat_database") == [(before,)]


def test_a_correction_whose_connection_breaks_is_not_sent_again(database: str) -> None:
    """It may have been done; a permit that is asked for twice is taken twice at worst."""
    limiter = PostgresLimiter(database, rate=1, max_cost=100)
    grant = limiter.consume(10)
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("CREATE SEQUENCE asked")  # which is not rolled back
        admin.execute("""
            CREATE FUNCTION end_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              PERFORM nextval('asked'), pg_terminate_backend(pg_backend_pid());
              RETURN NEW;
            END $$""")
        admin.execute(
            "CREATE TRIGGER ends BEFORE INSERT ON beautyspot.schedules "
            "FOR EACH ROW EXECUTE FUNCTION end_it()"
        )
        with pytest.raises(BeautyspotError, match="57P01"):
            limiter.settle(grant, 4)
        assert admin.execute("SELECT last_value FROM asked").fetchone() == (1,)
        with pytest.raises(BeautyspotError, match="57P01"):
            limiter.take([{"rate": 1}])
        assert admin.execute("SELECT last_value FROM asked").fetchone() == (3,)
        admin.execute("DROP TRIGGER ends ON beautyspot.schedules")
        assert 9 < delays(limiter, 1)[0] <= 10
        there = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'beautyspot' AND datname = current_database()"
        )
        assert until(lambda: not admin.execute(there).fetchall())
    limiter.settle(grant, 4)
    assert delays(limiter, 1)[0] <= 4, "a connection that had broken before is made anew"
    limiter.close()


def test_a_database_of_an_earlier_form(database: str) -> None:
    """Its tables of limits stay, and nobody uses them."""
    limiter = PostgresLimiter(database, rate=1, max_cost=100)
    limiter.consume(10)
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("DROP TABLE beautyspot.schedules")
        admin.execute("DROP FUNCTION beautyspot.ask_limits")
        admin.execute("CREATE TABLE beautyspot.limits (namespace text, name text, epoch float8)")
        admin.execute("UPDATE beautyspot.form SET written_by = 1")
        again = PostgresLimiter(database, rate=1, max_cost=100)
        assert delays(again, 10) == [0]
        assert delays(limiter, 1)[0] > 9
        limiter.settle(limiter.consume(1, timeout=20), 1)
        assert admin.execute("SELECT count(*) FROM beautyspot.limits").fetchone() == (0,)
    for each in (limiter, again):
        each.close()


if "BEAUTYSPOT_TEST_POSTGRES_URL" in os.environ:  # else `tests/machines/` has it

    class TestAtAnAddress(Contract):
        @pytest.fixture(autouse=True)
        def _setting(self, postgres_url: str) -> None:
            self.setting = {"use": postgres_url}
