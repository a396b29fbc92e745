"""What goes wrong at a server is an error of beautyspot that says what to do, and no secret."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from beautyspot.contracts.failures import Failures
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot_postgres.failures import LateError, UnreachedError
from beautyspot_postgres.server import Server
from psycopg import OperationalError
from servers import pgbouncer, postgres
from servers.ports import free_port
from servers.postgres import Postgres


def failures(url: str = "postgres://h:1/d") -> Failures:
    return Server(url).failures


def server_error(code: str, text: str) -> OperationalError:
    """What psycopg raises of an answer with this code."""
    error = OperationalError(text)
    error.sqlstate = code
    return error


@contextlib.contextmanager
def reached(url: str, **options: Any) -> Iterator[Server]:
    server = Server(url, **options)
    try:
        yield server
    finally:
        server.close()


def asked(url: str, query: str = "SELECT 1", **options: Any) -> Any:
    with reached(url, **options) as server:
        return server.run(query)


# ------------------------------------------------------------------------------ what was recorded

ON = 'connection to server at "10.0.0.1", port 5432 failed: FATAL:  '


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            server_error("53100", "could not extend file: No space left on device"),
            "beautyspot prune",
        ),
        (server_error("53200", "out of memory"), "see its log"),
        (server_error("XX001", "invalid page in block 0"), "damaged"),
        (server_error("54000", "row is too big"), "largest_data="),
        (server_error("22P05", "character has no equivalent in LATIN1"), "ENCODING 'UTF8'"),
        (server_error("42883", "function does not exist"), "choose another schema="),
        (server_error("08P01", "something of a pooler's"), "see their logs"),
        (server_error("99999", "something new"), "Postgres 13 or newer"),
        (server_error("58000", "query_wait_timeout"), "default_pool_size"),
        (OperationalError("server closed the connection unexpectedly"), "the server's log"),
        (LateError("no answer within the time-out"), "pool_mode = transaction"),
        (UnreachedError(f'{ON}no pg_hba.conf entry for host "10.0.0.2", user "u"'), "pg_hba.conf"),
        (UnreachedError(f'{ON}Peer authentication failed for user "u"'), "PGUSER"),
        (UnreachedError(f"{ON}server login has been failing (server_login_retry)"), "see its log"),
        (UnreachedError(f"{ON}etwas auf Deutsch"), "start the server, or correct its address"),
        (UnreachedError('could not translate host name "x" to address'), "DNS"),
    ],
)
def test_what_an_error_says(error: Exception, says: str) -> None:
    made = failures().of(error)
    assert says in str(made)
    assert str(made).startswith("postgres://h:1/d failed (")
    assert failures().cause(error) is error


@pytest.mark.parametrize(
    "error",
    [
        server_error("57P03", "the database system is starting up"),
        server_error("40001", "could not serialize access"),
        UnreachedError(f"{ON}sorry, too many clients already"),
    ],
)
def test_what_passes_in_a_moment_is_busy(error: Exception) -> None:
    assert type(failures().of(error)) is MetadataBusyError


def test_a_text_that_repeats_the_password_is_not_shown() -> None:
    error = UnreachedError("strange: hunter2")
    found = failures("postgres://u:hunter2@h")
    assert "hunter2" not in str(found.of(error))
    assert found.cause(error) is None


def test_a_password_of_the_environment_is_in_no_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    assert failures("postgres://u@h").cause(UnreachedError("strange: hunter2")) is None


# ------------------------------------------------------------------------------- a real server


def test_names_that_the_server_does_not_know(postgres_server: Postgres) -> None:
    port = postgres_server.port
    for url, says in (
        (f"postgres://postgres@127.0.0.1:{port}/nosuch", "there is no such database"),
        (f"postgres://nobody@127.0.0.1:{port}/postgres", "no such role"),
        ("postgres://postgres@nosuch.invalid/postgres", "DNS"),
        ("postgres://?service=nosuch", "PGSERVICEFILE"),
        (f"postgres://postgres@127.0.0.1:{free_port()}/postgres", "start the server"),
        ("postgres:///postgres?host=/no/such/folder", "start the server"),
    ):
        with pytest.raises(MetadataError, match=re.escape(says)):
            asked(url)


@pytest.mark.usefixtures("_programs")
def test_more_connections_than_the_server_takes() -> None:
    few = {"max_connections": "4", "superuser_reserved_connections": "0", "max_wal_senders": "0"}
    with postgres.running(**few) as server, contextlib.ExitStack() as stack:
        for _ in range(4):
            connection = stack.enter_context(reached(server.url))
            assert connection.run("SELECT 1")
        with pytest.raises(MetadataBusyError, match="raise its max_connections"):
            asked(server.url)
        assert connection.run("SELECT 1"), "those that are there go on"


def test_what_is_no_postgres() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            for _ in range(2):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"postgres://127.0.0.1:{listening.getsockname()[1]}/d"
        for mode in ("require", "disable"):
            with pytest.raises(MetadataError, match="what answers there is no Postgres"):
                asked(f"{url}?sslmode={mode}")
        thread.join()


# ------------------------------------------------------------------------------------ PgBouncer


@pytest.fixture
def pooler(postgres_server: Postgres) -> Iterator[pgbouncer.PgBouncer]:
    if pgbouncer.binary() is None:
        pytest.skip(f"no PgBouncer here: apt-get install pgbouncer, or set {pgbouncer.PROGRAM}")
    options = {"max_client_conn": 2, "default_pool_size": 1, "query_wait_timeout": 1}
    with pgbouncer.running(postgres_server.port, **options) as pooler:
        yield pooler


def test_a_pooler_that_keeps_sessions_is_told(postgres_server: Postgres) -> None:
    if pgbouncer.binary() is None:
        pytest.skip(f"no PgBouncer here: apt-get install pgbouncer, or set {pgbouncer.PROGRAM}")
    options = {"pool_mode": "session", "default_pool_size": 1}
    with pgbouncer.running(postgres_server.port, **options) as pooler, reached(pooler.url) as one:
        assert one.run("SELECT 1")
        with pytest.raises(MetadataError, match="pool_mode = transaction"):
            asked(pooler.url, timeout=0.5)


def test_what_pgbouncer_says(pooler: pgbouncer.PgBouncer) -> None:
    assert asked(pooler.url)
    with pytest.raises(MetadataError, match="no such role|correct user and password"):
        asked(pooler.url.replace("postgres@", "nobody@"))
    with pytest.raises(MetadataError, match="there is no such database"):
        asked(pooler.url.removesuffix("postgres") + "nosuch")
    with pytest.raises(MetadataError, match="ignore_startup_parameters"):
        asked(pooler.url, options="-c work_mem=1MB")
    with reached(pooler.url) as one, reached(pooler.url) as two:
        assert one.run("SELECT 1") == two.run("SELECT 1")
        with pytest.raises(MetadataBusyError, match="raise its max_client_conn"):
            asked(pooler.url)
