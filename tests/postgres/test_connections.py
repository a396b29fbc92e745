"""How a server is asked: values, errors, deadlines, connections that break."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from beautyspot.errors import MetadataError
from beautyspot_postgres import schema
from beautyspot_postgres.server import Server

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
