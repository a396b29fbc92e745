"""What `examine` says of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import beautyspot as bs
import pytest
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_postgres.examination import of_server
from servers import pgbouncer

if TYPE_CHECKING:
    from beautyspot_postgres.server import Server
    from servers.postgres import Postgres

FINE = {
    "version": "17.11",
    "is_standby": False,
    "survives": True,
    "keeps_commits": True,
    "vacuums": True,
    "connections": 5,
    "most": 97,
    "size": 10_000,
}


class Said:
    """A server that says so."""

    schema_name = "beautyspot"

    def __init__(self, facts: dict[str, Any], tables: list[Any], *, is_pooled: bool) -> None:
        self.facts, self.tables, self.pooled = facts, tables, is_pooled

    def run(self, query: bytes, params: Any = ()) -> list[Any]:
        if len(params) == 2:
            return [(True,)]  # that the role may write
        return self.tables if params else [tuple(self.facts.values())]

    def is_pooled(self) -> bool:
        return self.pooled


def findings(*tables: Any, is_pooled: bool = False, **facts: Any) -> list[tuple[str, str]]:
    server = Said(FINE | facts, [*tables], is_pooled=is_pooled)
    return [(one.state, one.text) for one in of_server(cast("Server", server), "metadata postgres")]


def test_a_server_that_is_well() -> None:
    text = (
        "Postgres 17.11 answers; the schema takes 3,000 of the database's 10,000 bytes; 5 of 97 "
        "connections are used"
    )
    assert findings(("results", 10, 20, 1000), ("leases", 0, 300, 2000)) == [("ok", text)]
    assert "answers, behind a pooler such as PgBouncer;" in findings(is_pooled=True)[0][1]


@pytest.mark.parametrize(
    ("said", "state", "text"),
    [
        ({"is_standby": True}, "problem", "target_session_attrs=read-write"),
        ({"survives": False}, "warning", "set fsync and full_page_writes to on"),
        ({"keeps_commits": False}, "warning", "synchronous_commit is off"),
        ({"vacuums": False}, "warning", "autovacuum is off"),
        ({"connections": 90}, "warning", "90 of the server's 97 connections"),
    ],
)
def test_what_is_wrong_comes_first(said: dict[str, Any], state: str, text: str) -> None:
    found = findings(**said)
    assert found[0][0] == state
    assert text in found[0][1]
    assert ":" in found[0][1], "and says what to do"
    assert [one[0] for one in found[1:]] == ["ok"]


def test_dead_rows() -> None:
    found = findings(("results", 100_000, 150_000, 1), ("leases", 1_000_000, 150_000, 1))
    assert [state for state, _ in found] == ["warning", "ok"]
    assert "results has 150,000 dead rows beside 100,000 live ones" in found[0][1]


def test_a_real_server(postgres_server: Postgres, namespace: str) -> None:
    store = PostgresMetadataStore(postgres_server.url, namespace=namespace)
    store.open()
    for looked_at in (store, store.for_looking()):
        warning, found = looked_at.examine()
        assert (warning.state, found.state) == ("warning", "ok")
        assert "set fsync" in warning.text, "that of the tests need not survive"
        assert found.subject == "metadata postgres"
        assert "Postgres 1" in found.text
        assert "pooler" not in found.text
        looked_at.close()


def test_a_server_behind_pgbouncer(postgres_server: Postgres, namespace: str) -> None:
    if pgbouncer.binary() is None:
        pytest.skip(f"no PgBouncer here: apt-get install pgbouncer, or set {pgbouncer.PROGRAM}")
    with pgbouncer.running(postgres_server.port) as pooler:
        store = PostgresMetadataStore(pooler.url, namespace=namespace)
        assert "PgBouncer" in [*store.examine()][-1].text
        store.close()


def test_a_standby(own: Postgres, namespace: str) -> None:
    store = PostgresMetadataStore(own.url, namespace=namespace)
    store.open()
    other = own.standby()
    try:
        other.start()
        looking = PostgresMetadataStore(other.url, namespace=namespace).for_looking()
        assert next(iter(looking.examine())).state == "problem"
        looking.close()
    finally:
        other.remove()
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
