"""The schema is made by itself, by one of many clients, and by none that may not."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from beautyspot.errors import MetadataError, SchemaError
from beautyspot_postgres import roles, schema
from beautyspot_postgres.__main__ import main
from beautyspot_postgres.server import Server
from servers.postgres import Postgres

CLIENTS = 40


@pytest.fixture
def reach(database: str) -> Iterator[Callable[..., Server]]:
    """Makes clients of a database of the test's own: as a role, in a schema."""
    made: list[Server] = []

    def reached(user: str = "postgres", **options: Any) -> Server:
        made.append(Server(database.replace("postgres@", f"{user}@"), **options))
        return made[-1]

    yield reached
    for server in made:
        server.close()


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command prints, without what is psql's own."""
    assert main(["schema", *arguments]) == 0
    return capsys.readouterr().out.partition("\n")[2]


def perform(server: Server, statements: str) -> None:
    """As psql does."""
    with psycopg.connect(**server.address.parameters, autocommit=True) as connection:
        connection.execute(statements.encode())


def numbers(server: Server) -> list[Any]:
    return server.run("SELECT written_by, readable_from FROM {schema}.form")


# --------------------------------------------------------------------------------- many clients


def test_forty_clients_at_once(reach: Callable[..., Server]) -> None:
    ready = threading.Barrier(CLIENTS)
    failed: list[Exception] = []

    def begin() -> None:
        server = reach()
        ready.wait(60)
        try:
            schema.ensure(server)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=begin) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert numbers(reach()) == [(schema.WRITTEN_BY, schema.READABLE_FROM)]


@pytest.mark.parametrize("name", ["team", "UPPER", "_1"])
def test_a_schema_of_another_name(reach: Callable[..., Server], name: str) -> None:
    server = reach(schema=name)
    for _ in range(2):
        schema.ensure(server)
    assert numbers(server)
    assert server.run("SELECT count(*) FROM pg_namespace WHERE nspname = %s", [name]) == [(1,)]


# ------------------------------------------------------------------------------------- releases


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next release, whose schema has a table more, and a column."""
    more = (
        "CREATE TABLE IF NOT EXISTS {schema}.more (number integer)",
        "ALTER TABLE {schema}.stores ADD COLUMN IF NOT EXISTS more integer",
    )
    monkeypatch.setattr(schema, "WRITTEN_BY", schema.WRITTEN_BY + 1)
    monkeypatch.setattr(schema, "PARTS", (*schema.PARTS, more))


def test_an_older_schema_is_brought_up_to_date_once(
    reach: Callable[..., Server], request: pytest.FixtureRequest
) -> None:
    server = reach()
    schema.ensure(server)
    server.run("INSERT INTO {schema}.stores VALUES ('kept', '0123456789abcdef', 1, false)")
    request.getfixturevalue("later")
    test_forty_clients_at_once(reach)
    assert numbers(server) == [(schema.WRITTEN_BY, schema.READABLE_FROM)]
    rows = server.run("SELECT namespace, more FROM {schema}.stores")
    assert rows == [("kept", None)]


def test_what_a_newer_release_made_is_used_or_refused(reach: Callable[..., Server]) -> None:
    server = reach()
    schema.ensure(server)
    server.run("UPDATE {schema}.form SET written_by = 99")
    schema.ensure(server)
    assert numbers(server) == [(99, schema.READABLE_FROM)], "it is not taken back"
    server.run("UPDATE {schema}.form SET readable_from = 98")
    with pytest.raises(SchemaError, match="upgrade beautyspot, or choose another schema="):
        schema.ensure(server)


# ---------------------------------------------------------------------------------------- roles


def test_a_role_that_may_not_make_it_says_what_to_run(
    reach: Callable[..., Server], role: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server = reach(role)
    with pytest.raises(MetadataError, match="may not make the schema") as caught:
        schema.ensure(server)
    told = re.search(r"`python -m beautyspot_postgres schema (.*) \| psql (.*)`", str(caught.value))
    assert told is not None
    assert told[1] == f"--user {role}"
    assert told[2] == server.url
    owner = reach()
    perform(owner, printed(capsys, "--user", role))
    schema.ensure(server)


def test_a_role_that_may_not_use_it_says_what_to_run(
    reach: Callable[..., Server], role: str, capsys: pytest.CaptureFixture[str]
) -> None:
    owner, server = reach(schema="team"), reach(role, schema="team")
    schema.ensure(owner)
    with pytest.raises(MetadataError, match="may not use the schema") as caught:
        schema.ensure(server)
    assert f"schema --schema team --user {role} | psql" in str(caught.value)
    perform(owner, printed(capsys, "--schema", "team", "--user", role))
    schema.ensure(server)


def test_what_each_kind_of_role_may(
    reach: Callable[..., Server],
    postgres_server: Postgres,
    role: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = {kind: f"{role}_{kind}" for kind in roles.GRANTS}
    for name in names.values():
        postgres_server.ask(f"CREATE ROLE {name} LOGIN")
    perform(reach(), printed(capsys, *(x for kind in names for x in (f"--{kind}", names[kind]))))

    denied: list[str] = []

    def may(kind: str, statement: str) -> bool:
        server = reach(names[kind])
        try:
            server.run(statement)
        except MetadataError as error:
            denied.append(str(error))
            return False
        return True

    wanted = {
        "SELECT count(*) FROM {schema}.entries": {"user", "reader", "viewer"},
        "SELECT count(*) FROM {schema}.functions": {"user", "reader", "viewer"},
        "SELECT count(*) FROM {schema}.results": {"user", "reader"},
        "SELECT count(*) FROM {schema}.form": {"user", "reader"},
        "DELETE FROM {schema}.results WHERE false": {"user"},
        "INSERT INTO {schema}.covers VALUES ('a', 'b', 0)": {"user"},
        "UPDATE {schema}.form SET written_by = 0": set(),
        "DROP TABLE {schema}.results": set(),
        "CREATE TABLE {schema}.other (number int)": set(),
        "TRUNCATE {schema}.results": set(),
    }
    assert {each: {kind for kind in names if may(kind, each)} for each in wanted} == wanted
    assert all("grant what the README" in text for text in denied)


# ---------------------------------------------------------------- servers that can't be used


def test_a_database_of_another_encoding(postgres_server: Postgres, namespace: str) -> None:
    database = namespace.replace("-", "_")
    for encoding in ("SQL_ASCII", "LATIN1"):
        postgres_server.ask(
            f"CREATE DATABASE {database} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
        )
        server = Server(f"postgres://postgres@127.0.0.1:{postgres_server.port}/{database}")
        with pytest.raises(MetadataError, match=f"is {encoding}: make one by CREATE DATABASE"):
            schema.ensure(server)
        server.close()
        postgres_server.ask(f"DROP DATABASE {database} WITH (FORCE)")


def test_transactions_of_another_kind(reach: Callable[..., Server], role: str) -> None:
    reach().run(f"ALTER ROLE {role} SET default_transaction_isolation = 'serializable'")
    with pytest.raises(MetadataError, match="serializable by default: ALTER ROLE"):
        schema.ensure(reach(role))


def test_a_server_that_is_too_old(
    reach: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "OLDEST", 990000)
    with pytest.raises(MetadataError, match=r"it is Postgres \d\d: take Postgres 13 or newer"):
        schema.ensure(reach())


def test_the_command_as_a_program(role: str, reach: Callable[..., Server]) -> None:
    command = [sys.executable, "-m", "beautyspot_postgres", "schema", "--user", role]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    begin, _, statements = done.stdout.partition("\n")
    assert begin == r"\set ON_ERROR_STOP on"
    perform(reach(), statements)
    schema.ensure(reach(role))
