"""A Spot whose settings name a server: when it is made, when the server is away, and comes back."""

from __future__ import annotations

import logging
import pickle
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot_postgres import PostgresLimiter, PostgresMetadataStore
from servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.resilience.reporting import Trouble
    from servers.postgres import Postgres


def twice(number: int) -> int:
    return 2 * number


def works(spot: bs.Spot) -> bool:
    """Whether a result comes back from the store."""
    assert spot.cached_run(twice, 21) == 42
    assert spot.cached_run(twice, 21) == 42
    return spot.stats()["hits"] == 1


@pytest.mark.parametrize(
    "form", ["url", "table", "name and variable", "libpq's variables", "environment", "file"]
)
def test_each_way_to_name_it(
    make_spot: Callable[..., bs.Spot],
    postgres_server: Postgres,
    namespace: str,
    form: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    url = postgres_server.url
    options: dict[str, Any] = {}
    if form == "url":
        options["metadata"] = url.replace("postgres:", "postgresql:") + "?timeout=9&sslmode=prefer"
    elif form == "table":
        options["metadata"] = {"use": "postgres", "url": url, "timeout": 9, "sslmode": "prefer"}
    elif form == "name and variable":
        monkeypatch.setenv("DATABASE_URL", url)
        options["metadata"] = "postgres"
    elif form == "libpq's variables":
        given = {"HOST": "127.0.0.1", "PORT": str(postgres_server.port), "USER": "postgres"}
        for name, value in given.items():
            monkeypatch.setenv(f"PG{name}", value)
        options["metadata"] = {"use": "postgres", "dbname": "postgres"}
    elif form == "environment":
        monkeypatch.setenv("BEAUTYSPOT_METADATA", url)
    else:
        file = tmp_path / "beautyspot.toml"
        file.write_text(f'[metadata]\nuse = "{url}"\ntimeout = 9\n')
        options["config"] = file
    spot = make_spot(namespace, strict=True, **options)
    assert isinstance(spot.metadata, PostgresMetadataStore)
    assert works(spot)


def test_a_certificate_is_looked_for_beside_the_file(
    make_spot: Callable[..., bs.Spot], tmp_path: Path
) -> None:
    file = tmp_path / "beautyspot.toml"
    file.write_text('metadata = { use = "postgres://h/d", sslrootcert = "ca.pem" }\n')
    with pytest.raises(bs.ConfigError, match=str(tmp_path / "ca.pem")):
        make_spot(config=file)
    (tmp_path / "ca.pem").touch()
    make_spot(config=file)
    file.write_text('metadata = { use = "postgres://h/d", sslrootcert = "system" }\n')
    spot = make_spot(config=file)
    assert spot.metadata._server.address.parameters["sslrootcert"] == "system"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ("postgres://h:x", "host:port"),
        ("postgres://u:hunter2@h:x", "host:port"),
        ("postgres://h?tiemout=3", "no parameter of libpq 'tiemout'"),
        ("postgres://h?timeout=soon", "a number of seconds, "),
        ("postgres://h?sslmode=hunter2", "verify-full"),
        ("postgres://u:a?hunter2@h", "as %3F"),
        ({"use": "postgres://u:hunter2@h", "password": "hunter3"}, "given twice"),
        ({"use": "postgres://h", "schema": "a b"}, "no plain name"),
    ],
)
def test_a_mistake_shows_when_the_spot_is_made(
    make_spot: Callable[..., bs.Spot], metadata: Any, says: str
) -> None:
    with pytest.raises(bs.ConfigError, match=says) as caught:
        make_spot(metadata=metadata)
    assert "hunter" not in str(caught.value)
    limiter = {"use": metadata} if isinstance(metadata, str) else metadata
    with pytest.raises(bs.ConfigError, match=says) as caught:
        make_spot(limiter={**limiter, "rate": 1})
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["away", "database", "role"])
def test_a_server_that_can_t_be_used_gives_an_uncached_spot_that_says_why(
    make_spot: Callable[..., bs.Spot],
    postgres_server: Postgres,
    troubles: list[Trouble],
    wrong: str,
) -> None:
    there = f"127.0.0.1:{postgres_server.port}"
    url, says = {
        "away": (f"postgres://u:hunter2@127.0.0.1:{free_port()}/d", "start the server"),
        "database": (f"postgres://postgres:hunter2@{there}/nosuch", "there is no such database"),
        "role": (f"postgres://nosuch:hunter2@{there}/postgres", "no such role"),
    }[wrong]
    spot = make_spot(metadata=url, on_error=troubles.append)
    assert [spot.cached_run(twice, 21) for _ in range(2)] == [42, 42]
    assert says in str(troubles[0].error)
    assert "hunter2" not in str(troubles)


# ------------------------------------------------------------------------------------- secrets


def test_no_repr_and_no_log_shows_a_password(
    make_spot: Callable[..., bs.Spot],
    postgres_server: Postgres,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = f"postgres://nosuch:hunter2@127.0.0.1:{postgres_server.port}/postgres"
    with caplog.at_level(logging.DEBUG):
        spot = make_spot(metadata=url, limiter={"use": url, "rate": "600/min"})
        spot.cached_run(twice, 21)
        shown = f"{spot!r} {spot.metadata!r} {spot.bucket!r}"
    assert shown.count(f"127.0.0.1:{postgres_server.port}") == 3
    assert "no such role" in caplog.text
    assert "hunter2" not in caplog.text + shown


def test_a_store_and_a_limiter_travel_without_a_password(
    postgres_server: Postgres, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_server.url.replace("@", ":hunter2@"))
    store = PostgresMetadataStore(namespace=namespace)
    limiter = PostgresLimiter(rate="1/hour", namespace=namespace)
    pickled = pickle.dumps(store)
    assert b"hunter2" not in pickled
    again = pickle.loads(pickled)
    assert again.store_id == store.store_id
    limiter.consume()
    for other in (limiter, limiter.for_key("a"), limiter.for_key("b")):
        there = pickle.loads(pickle.dumps(other))
        assert there.try_consume() is (other is not limiter)
        assert other.try_consume() is False
        there.close()
    for each in (store, limiter, again):
        each.close()


@pytest.mark.parametrize(
    "given",
    [
        {"url": "postgres://u:hunter2@h"},
        {"url": "postgres://h", "password": "hunter2"},
        {"url": "postgres://h", "sslpassword": "hunter2"},
        {"host": "h", "password": "hunter2"},
    ],
)
def test_a_password_does_not_travel(given: dict[str, Any]) -> None:
    for made in (PostgresMetadataStore(**given), PostgresLimiter(**given, rate=1)):
        with pytest.raises(TypeError, match="PGPASSWORD"):
            pickle.dumps(made)
