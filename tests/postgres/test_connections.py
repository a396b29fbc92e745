"""How a server is asked: values, errors, deadlines, connections that break."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot_postgres import server as module
from beautyspot_postgres.server import Server
from servers import pgbouncer
from servers.postgres import Postgres
from servers.valkey import until


@pytest.fixture
def server(postgres_server: Postgres) -> Iterator[Server]:
    server = Server(postgres_server.url)
    yield server
    server.close()


def test_values_come_back(server: Server) -> None:
    query = "SELECT %s::text, %s::bytea, %s::float8, %s::int8, %s::bool, %s::text, %s::text[]"
    given = ["a\nä\U0001f511", b"\0\xff", 0.1, 2**62, True, None, ["a", "b"]]
    for _ in range(8):  # some statements are prepared after five
        assert server.run(query, given) == [tuple(given)]


def test_a_connection_that_was_ended_is_made_again(
    server: Server, postgres_server: Postgres
) -> None:
    [[pid]] = server.run("SELECT pg_backend_pid()")
    postgres_server.ask("SELECT pg_terminate_backend(%s)", pid)
    [[other]] = server.run("SELECT pg_backend_pid()")
    assert other != pid


def test_a_statement_that_hangs_is_given_up(postgres_server: Postgres) -> None:
    server = Server(postgres_server.url, timeout=1.0)
    with pytest.raises(MetadataError, match="late"):
        server.run("SELECT pg_sleep(60)::text")
    assert server.run("SELECT 1") == [(1,)]
    server.close()


def test_an_answer_that_was_not_waited_for_is_nobody_else_s(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where Ctrl-C comes while a thread waits."""
    wait = module.Connection.wait

    def interrupted(*_: Any, **__: Any) -> None:
        monkeypatch.setattr(module.Connection, "wait", wait)
        raise KeyboardInterrupt

    assert server.run("SELECT 1") == [(1,)]
    monkeypatch.setattr(module.Connection, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        server.run("SELECT 2")
    assert server.run("SELECT 3") == [(3,)]


def test_threads_take_turns_on_few_connections(postgres_server: Postgres) -> None:
    server = Server(postgres_server.url, connections=2)

    def ask(number: int) -> int:
        [[found, pid]] = server.run("SELECT %s::int8, pg_backend_pid()", [number])
        assert found == number
        return int(pid)

    with ThreadPoolExecutor(8) as pool:
        assert len({*pool.map(ask, range(200))}) <= 2
    server.close()


def test_no_thread_is_passed_by_for_long(postgres_server: Postgres) -> None:
    """Eight threads that ask without a pause keep two connections busy; one more asks as well."""
    server = Server(postgres_server.url, connections=2)
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            server.run("SELECT 1")

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask) for _ in range(8)]
        try:
            for number in range(100):
                assert server.run("SELECT %s::int8", [number]) == [(number,)]
        finally:
            ended.set()
    assert not any(each.exception() for each in asking)
    server.close()


def test_a_thread_waits_for_a_connection_no_longer_than_said(
    postgres_server: Postgres, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(postgres_server.url, connections=1, timeout=60)
    with raw.transaction():
        raw.execute("SELECT pg_advisory_xact_lock(4711)")
        taken = threading.Thread(
            target=server.run, args=["SELECT pg_advisory_xact_lock(4711)::text"]
        )
        taken.start()
        waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        assert until(lambda: bool(postgres_server.ask(waits)))
        with monkeypatch.context() as hasty:
            hasty.setattr(server, "timeout", 0.05)
            with pytest.raises(MetadataError, match="late"):
                server.run("SELECT 1")
    taken.join()
    assert server.run("SELECT 1") == [(1,)]
    server.close()


def test_connections_that_nobody_needs_any_more_are_closed(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(postgres_server.url, application_name="idle")
    barrier = threading.Barrier(4)

    def ask(_: int) -> None:
        barrier.wait()
        server.run("SELECT pg_sleep(0.05)::text")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(4)))
    monkeypatch.setattr("beautyspot_postgres.server.IDLE", 0.0)
    for _ in range(8):
        server.run("SELECT 1")
    there = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'idle'"
    assert until(lambda: len(postgres_server.ask(there)) == 1)
    server.close()
    assert until(lambda: not postgres_server.ask(there))


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_what_was_rolled_back_for_another_one_s_sake_is_run_again(
    server: Server, postgres_server: Postgres, namespace: str, state: str
) -> None:
    name = namespace.replace("-", "_")
    postgres_server.ask(f"CREATE SEQUENCE {name}")  # which is not rolled back
    postgres_server.ask(f"""
        CREATE FUNCTION {name}(good int) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
          IF nextval('{name}') < good THEN
            RAISE EXCEPTION 'could not serialize' USING ERRCODE = '{state}';
          END IF;
          RETURN currval('{name}');
        END $$""")
    assert server.run(f"SELECT {name}(3)") == [(3,)]
    with pytest.raises(MetadataBusyError, match="try again in a moment"):
        server.run(f"SELECT {name}(1000)")


def test_nothing_is_prepared_behind_a_pooler(postgres_server: Postgres) -> None:
    """Another session may have another statement of the same name, or none."""
    if pgbouncer.binary() is None:
        pytest.skip(f"no PgBouncer here: apt-get install pgbouncer, or set {pgbouncer.PROGRAM}")
    prepared = "SELECT count(*) FROM pg_prepared_statements"
    with pgbouncer.running(postgres_server.port) as pooler:
        for url, many in ((pooler.url, 0), (postgres_server.url, 1)):
            server = Server(url, connections=1)
            for number in range(20):
                assert server.run("SELECT %s::int8", [number]) == [(number,)]
            assert min(server.run(prepared)[0][0], 1) == many
            server.close()
