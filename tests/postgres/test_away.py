"""When the server is away: what is Postgres's own in it; the rest is in `tests/machines`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import beautyspot as bs
import pytest
from kinds import RAN
from servers.postgres import Postgres
from servers.valkey import until
from servers.working import TIMEOUT, is_settled

pytestmark = pytest.mark.usefixtures("hasty")


def double(x: int) -> int:
    RAN.append(x)
    return x * 2


def at(url: str, namespace: str) -> dict[str, Any]:
    return {"use": url, "namespace": namespace, "timeout": TIMEOUT, "lease_time": 2}


def entries(url: str, namespace: str) -> int:
    """How many results another client finds."""
    with bs.open_store(url, name=namespace, config=False) as store:
        return store.total().entries


@pytest.mark.parametrize("ends", ["stop", "kill"])
def test_a_server_that_is_restarted_has_lost_nothing(
    make_spot: Callable[..., bs.Spot],
    own: Postgres,
    namespace: str,
    ends: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spot = make_spot(metadata=at(own.url, namespace))
    marked = spot.mark(double)
    assert marked(1) == 2
    getattr(own, ends)()
    assert [marked(x) for x in (2, 3, 4, 5, 2)] == [4, 6, 8, 10, 4]
    own.start()
    assert until(lambda: is_settled(spot))
    assert entries(own.url, namespace) == 5
    assert [marked(x) for x in (1, 2, 3, 4, 5)] == [2, 4, 6, 8, 10]
    assert RAN == [1, 2, 3, 4, 5]
    said = [message for message in caplog.messages if "could not" in message]
    assert len(said) == len({*said}), "each operation once for each cause"


FULL = (
    """
    CREATE FUNCTION beautyspot.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100';
    END $$
    """,
    """
    CREATE TRIGGER full_disk BEFORE INSERT ON beautyspot.results
    FOR EACH ROW EXECUTE FUNCTION beautyspot.full()
    """,
)
READ_ONLY = ("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
WRITABLE = (
    "SET default_transaction_read_only = off",
    "ALTER SYSTEM RESET default_transaction_read_only",
    "SELECT pg_reload_conf()",
)


@pytest.mark.parametrize(
    ("begins", "ends", "says"),
    [
        (FULL, ("DROP TRIGGER full_disk ON beautyspot.results",), "the server's disk is full: "),
        (READ_ONLY, WRITABLE, "default_transaction_read_only is on"),
        (
            ("REVOKE INSERT ON beautyspot.results FROM app",),
            ("GRANT INSERT ON beautyspot.results TO app",),
            "the role lacks a privilege",
        ),
    ],
    ids=["full disk", "read only", "privilege"],
)
def test_a_server_that_takes_no_results_for_a_while(
    make_spot: Callable[..., bs.Spot],
    own: Postgres,
    namespace: str,
    begins: tuple[str, ...],
    ends: tuple[str, ...],
    says: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # However slow the machine is, these failures are answers: look-ups go on.
    monkeypatch.setattr("beautyspot.resilience.guarded_backends.FAR_SLOW", 60.0)
    make_spot(metadata=at(own.url, namespace)).mark(double)(0)
    perform(
        own,
        "CREATE ROLE app LOGIN",
        "GRANT USAGE ON SCHEMA beautyspot TO app",
        "GRANT ALL ON ALL TABLES IN SCHEMA beautyspot TO app",
    )
    url = own.url.replace("postgres@", "app@")
    spot = make_spot(metadata=at(url, namespace))
    marked = spot.mark(double)
    assert marked(1) == 2
    perform(own, *begins)
    assert [marked(2), marked(3), marked(2)] == [4, 6, 4]
    assert [marked(1), RAN] == [2, [0, 1, 2, 3]], "what is there is found"
    assert says in caplog.text
    perform(own, *ends)
    assert until(lambda: is_settled(spot))
    assert entries(own.url, namespace) == 4
    assert [marked(2), marked(3), RAN] == [4, 6, [0, 1, 2, 3]]


def perform(server: Postgres, *statements: str) -> None:
    with server.connect() as connection:
        for statement in statements:
            connection.execute(statement)
