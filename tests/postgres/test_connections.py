"""How a server is asked: values, errors, deadlines, connections that break."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot_postgres import connection, schema
from beautyspot_postgres.server import Server
from servers.valkey import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.postgres import Postgres


@pytest.fixture
def server(postgres_server: Postgres) -> Iterator[Server]:
    server = Server(postgres_server.url)
    yield server
    server.close()


def test_values_come_back(server: Server) -> None:
    query = b"SELECT $1::text, $2::bytea, $3::float8, $4::int8, $5::bool, $6::text, $7::text[]"
    given = ["a\nä\U0001f511", b"\0\xff", 0.1, 2**62, True, None, '{"a","b"}']
    [row] = server.run(query, given)
    assert row == (*given[:-1], ["a", "b"])


def test_a_connection_that_was_ended_is_made_again(
    server: Server, postgres_server: Postgres
) -> None:
    [[pid]] = server.run(b"SELECT pg_backend_pid()")
    postgres_server.ask("SELECT pg_terminate_backend(%s)", pid)
    [[other]] = server.run(b"SELECT pg_backend_pid()")
    assert other != pid


def test_a_statement_that_hangs_is_given_up(postgres_server: Postgres) -> None:
    server = Server(postgres_server.url, timeout=0.2)
    with pytest.raises(MetadataError, match="late"):
        server.run(b"SELECT pg_sleep(60)::text")
    assert server.run(b"SELECT 1") == [(1,)]
    server.close()


def test_the_schema_is_made_once_by_many(postgres_server: Postgres) -> None:
    servers = [Server(postgres_server.url, schema="made_at_once") for _ in range(10)]
    threads = [threading.Thread(target=schema.ensure, args=[one]) for one in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert servers[0].run(b'SELECT * FROM "made_at_once".form') == [(1, 1)]
    for server in servers:
        server.close()


def test_an_answer_that_was_not_waited_for_is_nobody_else_s(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where Ctrl-C comes while a thread waits."""
    wait = connection._Poll.__call__

    def interrupted(*_: Any, **__: Any) -> None:
        monkeypatch.setattr(connection._Poll, "__call__", wait)
        raise KeyboardInterrupt

    assert server.run(b"SELECT 1") == [(1,)]
    monkeypatch.setattr(connection._Poll, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        server.run(b"SELECT 2")
    assert server.run(b"SELECT 3") == [(3,)]


def test_threads_take_turns_on_few_connections(postgres_server: Postgres) -> None:
    server = Server(postgres_server.url, connections=2)

    def ask(number: int) -> int:
        [[found, pid]] = server.run(b"SELECT $1::int8, pg_backend_pid()", [number])
        assert found == number
        return int(pid)

    with ThreadPoolExecutor(8) as pool:
        assert len({*pool.map(ask, range(200))}) <= 2
    server.close()


def test_a_thread_waits_for_a_connection_no_longer_than_said(
    postgres_server: Postgres, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(postgres_server.url, connections=1, timeout=60)
    with raw.transaction():
        raw.execute("SELECT pg_advisory_xact_lock(4711)")
        taken = threading.Thread(
            target=server.run, args=[b"SELECT pg_advisory_xact_lock(4711)::text"]
        )
        taken.start()
        waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        assert until(lambda: bool(postgres_server.ask(waits)))
        monkeypatch.setattr(server, "timeout", 0.05)
        with pytest.raises(MetadataError, match="late"):
            server.run(b"SELECT 1")
    taken.join()
    assert server.run(b"SELECT 1") == [(1,)]
    server.close()


def test_connections_that_nobody_needs_any_more_are_closed(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(postgres_server.url, application_name="idle")
    barrier = threading.Barrier(4)

    def ask(_: int) -> None:
        barrier.wait()
        server.run(b"SELECT pg_sleep(0.05)::text")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(4)))
    monkeypatch.setattr("beautyspot_postgres.server.IDLE", 0.0)
    for _ in range(8):
        server.run(b"SELECT 1")
    there = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'idle'"
    assert until(lambda: len(postgres_server.ask(there)) == 1)
    server.close()
    assert until(lambda: not postgres_server.ask(there))


def test_what_is_larger_than_the_network_takes_at_once(server: Server) -> None:
    data = bytes(range(256)) * 2**16
    [[size, answer]] = server.run(b"SELECT length($1::bytea), $1::bytea", [data])
    assert (size, answer == data) == (len(data), True)


def test_where_there_is_no_poll(postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.delattr("select.poll")
    server = Server(postgres_server.url, timeout=0.3)
    assert until(lambda: server.run(b"SELECT 1", twice=False) == [(1,)])
    with pytest.raises(MetadataError, match="late"):
        server.run(b"SELECT pg_sleep(60)::text")
    server.close()


def test_what_was_rolled_back_for_another_one_s_sake_is_run_again(
    server: Server, postgres_server: Postgres, namespace: str
) -> None:
    name = namespace.replace("-", "_")
    postgres_server.ask(f"CREATE SEQUENCE {name}")  # which is not rolled back
    postgres_server.ask(f"""
        CREATE FUNCTION {name}(good int) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
          IF nextval('{name}') < good THEN
            RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001';
          END IF;
          RETURN currval('{name}');
        END $$""")
    assert server.run(f"SELECT {name}(3)".encode()) == [(3,)]
    with pytest.raises(MetadataBusyError, match="try again in a moment"):
        server.run(f"SELECT {name}(1000)".encode())


def test_no_repr_shows_a_password() -> None:
    assert repr(Server("postgres://user:hunter2@h/d")) == "<Server postgres://h:5432/d>"
