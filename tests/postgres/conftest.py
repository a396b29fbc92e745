"""What the tests of Postgres share: a server, one a test process.

Tests that stop or kill a server start one of their own: `own`.
`BEAUTYSPOT_TEST_POSTGRES_URL` names another server in the place of the one that is `postgres_url`;
its data stay, those in the test's own `namespace` and schema aside.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from beautyspot_postgres import PostgresMetadataStore
from servers import pgbouncer, postgres

ADDRESS = "BEAUTYSPOT_TEST_POSTGRES_URL"
"""Names a server that is there already, for tests that need nothing but its address."""

_STARTED = {"postgres_server", "postgres_url", "own"}


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Each test that asks for a server has the marker `server`."""
    for item in items:
        if _STARTED.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("server")


@pytest.fixture(autouse=True)
def no_settings_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's server is, no test may use it unasked."""
    for name in [*os.environ]:
        if name.startswith("PG") or name == "DATABASE_URL":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _programs() -> None:
    if postgres.programs() is None:
        pytest.skip(f"no server here: pip install pgserver, or set {postgres.PROGRAMS}")


@pytest.fixture(scope="session")
def postgres_server(_programs: None) -> Iterator[postgres.Postgres]:
    """A server, without a password; nobody stops it or empties it."""
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server: the one named in the environment, else `postgres_server`."""
    named = os.environ.get(ADDRESS)
    if named:
        yield named
        return
    server: postgres.Postgres = request.getfixturevalue("postgres_server")
    with pgbouncer.wanted_before(server.port) as port:
        yield server.url.replace(f":{server.port}/", f":{port}/")


@pytest.fixture
def own(_programs: None) -> Iterator[postgres.Postgres]:
    """A server of the test's own, to be stopped, filled and emptied."""
    with postgres.running() as server:
        yield server


@pytest.fixture
def namespace() -> str:
    """One of the test's own: all tests share a server."""
    return f"test-{secrets.token_hex(8)}"


@pytest.fixture
def role(postgres_server: postgres.Postgres, namespace: str) -> str:
    """A role that may connect, and no more."""
    name = namespace.replace("-", "_")
    postgres_server.ask(f"CREATE ROLE {name} LOGIN")
    return name


@pytest.fixture
def database(postgres_server: postgres.Postgres, namespace: str) -> Iterator[str]:
    """The address of a database of the test's own."""
    name = namespace.replace("-", "_")
    postgres_server.ask(f"CREATE DATABASE {name}")
    yield f"{postgres_server.url.removesuffix('postgres')}{name}"
    postgres_server.ask(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(postgres_server: postgres.Postgres, namespace: str) -> Iterator[PostgresMetadataStore]:
    """An empty store on the server that all share."""
    store = PostgresMetadataStore(postgres_server.url, namespace=namespace)
    yield store
    store.close()


@pytest.fixture
def raw(postgres_server: postgres.Postgres) -> Iterator[Any]:
    """A plain connection to the server, as another program has one."""
    with postgres_server.connect() as connection:
        yield connection
