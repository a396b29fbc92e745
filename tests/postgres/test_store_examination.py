"""What `examine` says of the server."""

from __future__ import annotations

import re

import beautyspot as bs
import pytest
from beautyspot_postgres import PostgresMetadataStore
from servers import pgbouncer, postgres
from servers.postgres import Postgres


def said_by(store: PostgresMetadataStore) -> list[tuple[str, str]]:
    return [(one.state, one.text) for one in store.examine()]


def test_a_real_server(postgres_server: Postgres, namespace: str) -> None:
    store = PostgresMetadataStore(postgres_server.url, namespace=namespace)
    for looks in (False, True):
        store.open(look=looks)
        (warning, unsafe), (ok, text) = said_by(store)
        assert (warning, ok) == ("warning", "ok")
        assert "set fsync" in unsafe, "that of the tests need not survive"
        assert text.startswith("Postgres 1")
        assert re.search(
            r"the schema takes [\d,]+ of the database's [\d,]+ bytes; \d+ of \d+", text
        )
        assert "pooler" not in text
    assert {one.subject for one in store.examine()} == {"metadata postgres"}
    store.close()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"synchronous_commit": "off"}, "synchronous_commit is off"),
        ({"autovacuum": "off"}, "autovacuum is off"),
        (
            {"max_connections": "5", "max_wal_senders": "0", "superuser_reserved_connections": "3"},
            "of the server's 2 connections are used: raise its max_connections, or put PgBouncer",
        ),
    ],
)
@pytest.mark.usefixtures("_programs")
def test_what_is_wrong_with_its_settings(
    namespace: str, settings: dict[str, str], says: str
) -> None:
    good = {"fsync": "on", "full_page_writes": "on"}
    with postgres.running(**good, **settings) as server:
        store = PostgresMetadataStore(server.url, namespace=namespace)
        store.open()
        with server.connect():
            found = [text for state, text in said_by(store) if state == "warning"]
        assert len(found) == 1
        assert says in found[0]
        assert ":" in found[0], "and says what to do"
        store.close()


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_server_behind_pgbouncer(postgres_server: Postgres, namespace: str, mode: str) -> None:
    if pgbouncer.binary() is None:
        pytest.skip(f"no PgBouncer here: apt-get install pgbouncer, or set {pgbouncer.PROGRAM}")
    with pgbouncer.running(postgres_server.port, pool_mode=mode) as pooler:
        store = PostgresMetadataStore(pooler.url, namespace=namespace)
        store.open()
        found = said_by(store)
        assert "answers, behind a pooler;" in found[-1][1]
        warned = any("set PgBouncer's pool_mode = transaction" in text for _, text in found)
        assert warned is (mode == "session")
        store.close()


@pytest.mark.parametrize(
    ("user", "states", "says"),
    [("postgres", ["ok", "ok"], "its server answers"), ("nosuch", ["ok", "problem"], "no such")],
)
def test_a_limiter_asks_its_server(
    postgres_server: Postgres,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    user: str,
    states: list[str],
    says: str,
) -> None:
    url = postgres_server.url.replace("postgres@", f"{user}@")
    monkeypatch.setenv("BEAUTYSPOT_LIMITER", f"{url}?rate=5/s")
    found = list(bs.examine(url, name=namespace, config=None))
    limiter = [one for one in found if one.subject == "limiter postgres"]
    assert [one.state for one in limiter] == states
    assert says in limiter[-1].text


def test_a_limiter_that_nobody_has_used(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEAUTYSPOT_LIMITER", f"{database}?rate=5/s")
    found = list(bs.examine(database, name="app", config=None))
    [said] = [one for one in found if "first call makes" in one.text]
    assert (said.state, said.subject) == ("ok", "limiter postgres")
