"""A Spot whose settings name a server: made, of no use to it, and on its travels."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.resilience.reporting import Trouble
from beautyspot_postgres import PostgresLimiter, PostgresMetadataStore
from beautyspot_redis import RedisLimiter, RedisMetadataStore
from servers.ports import free_port
from servers.shared import LIMITERS, Shared

CLASSES: dict[str, tuple[Any, Any]] = {
    "redis": (RedisMetadataStore, RedisLimiter),
    "postgres": (PostgresMetadataStore, PostgresLimiter),
}
VARIABLES = {"redis": "REDIS_URL", "postgres": "DATABASE_URL"}
OTHER_SCHEMES = {"redis": ("redis:", "valkey:"), "postgres": ("postgres:", "postgresql:")}


def twice(number: int) -> int:
    return 2 * number


def works(spot: bs.Spot) -> bool:
    """Whether a result comes back from the store."""
    assert spot.cached_run(twice, 21) == 42
    assert spot.cached_run(twice, 21) == 42
    return spot.stats()["hits"] == 1


@pytest.mark.parametrize("kind", LIMITERS)
@pytest.mark.parametrize("form", ["url", "table", "name and variable", "environment", "file"])
def test_each_way_to_name_it(
    make_spot: Callable[..., bs.Spot],
    server: Shared,
    namespace: str,
    kind: str,
    form: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    url = server.at()["use"]
    options: dict[str, Any] = {}
    if form == "url":
        options["metadata"] = url.replace(*OTHER_SCHEMES[kind]) + "?timeout=9"
    elif form == "table":
        options["metadata"] = {"use": kind, "url": url, "timeout": 9}
    elif form == "name and variable":
        monkeypatch.setenv(VARIABLES[kind], url)
        options["metadata"] = kind
    elif form == "environment":
        monkeypatch.setenv("BEAUTYSPOT_METADATA", url)
    else:
        file = tmp_path / "beautyspot.toml"
        file.write_text(f'[metadata]\nuse = "{url}"\ntimeout = 9\n')
        options["config"] = file
    spot = make_spot(namespace, strict=True, **options)
    assert isinstance(spot.metadata, CLASSES[kind][0])
    assert works(spot)


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ("redis", "REDIS_URL"),
        ("redis://:hunter2@h:x", "malformed"),
        ("redis://h?tiemout=3", "Did you mean 'timeout'"),
        ("redis://h?timeout=soon", "a number of seconds, "),
        ({"use": "redis", "url": "redis://h", "password": "hunter2", "db": -1}, "db=-1"),
        ({"use": "redis://u:hunter2@h", "password": "hunter3"}, "given twice"),
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
    limiter = {"use": metadata} if isinstance(metadata, str) else metadata
    for options in ({"metadata": metadata}, {"limiter": {**limiter, "rate": 1}}):
        with pytest.raises(bs.ConfigError, match=says) as caught:
            make_spot(**options)
        assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("kind", LIMITERS)
def test_an_address_alone_is_no_store_to_look_at(
    make_spot: Callable[..., bs.Spot], server: Shared, namespace: str
) -> None:
    url = server.at()["use"]
    assert works(make_spot(namespace, metadata=url))
    with pytest.raises(bs.ConfigError, match="has a place for each Spot: say which one by name="):
        bs.open_store(url, config=False)
    for where, name in ((url, namespace), (f"{url}?namespace={namespace}", None)):
        with bs.open_store(where, name=name, config=False) as store:
            assert store.total().entries == 1


@pytest.mark.parametrize(
    ("kind", "url", "says"),
    [
        ("redis", "redis://:hunter2@127.0.0.1:{free}", "start the server"),
        ("redis", "redis://:hunter2@127.0.0.1:{port}", "correct user and password"),
        ("redis", "redis+cluster://127.0.0.1:{port}", "redis://"),
        ("postgres", "postgres://u:hunter2@127.0.0.1:{free}/d", "start the server"),
        ("postgres", "postgres://postgres:hunter2@127.0.0.1:{port}/nosuch", "no such database"),
        ("postgres", "postgres://nosuch:hunter2@127.0.0.1:{port}/postgres", "no such role"),
    ],
)
def test_a_server_that_can_t_be_used_gives_an_uncached_spot_that_says_why(
    make_spot: Callable[..., bs.Spot],
    server: Shared,
    troubles: list[Trouble],
    caplog: pytest.LogCaptureFixture,
    url: str,
    says: str,
) -> None:
    """And shows no password, nowhere."""
    url = url.format(free=free_port(), port=server.port)
    with caplog.at_level(logging.DEBUG):
        spot = make_spot(
            metadata=url, limiter={"use": url, "rate": "600/min"}, on_error=troubles.append
        )
        assert [spot.cached_run(twice, 21) for _ in range(2)] == [42, 42]
        shown = f"{spot!r} {spot.metadata!r} {spot.bucket!r}"
    assert says in str(troubles[0].error)
    assert shown.count("127.0.0.1:") == 3
    assert "hunter2" not in f"{troubles} {caplog.text} {shown}"


@pytest.mark.parametrize("kind", LIMITERS)
def test_a_store_and_a_limiter_travel_without_a_password(
    server: Shared, namespace: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLES[kind], server.at()["use"])
    store, limiter = (
        cls(namespace=namespace, **options)
        for cls, options in zip(CLASSES[kind], ({}, {"rate": "1/hour"}), strict=True)
    )
    again = pickle.loads(pickle.dumps(store))
    assert again.store_id == store.store_id
    limiter.consume()
    there = pickle.loads(pickle.dumps(limiter))
    assert there.try_consume() is False
    there.consume(timeout=0, key="a")
    with pytest.raises(bs.RateLimitError):
        limiter.consume(timeout=0, key="a")
    for each in (store, limiter, again, there):
        each.close()


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        ("redis", {"url": "redis://:hunter2@h"}, "REDIS_PASSWORD"),
        ("redis", {"url": "redis://h", "password": "hunter2"}, "REDIS_PASSWORD"),
        ("redis", {"url": "redis+sentinel://h/m", "sentinel_password": "x"}, "REDIS_PASSWORD"),
        ("postgres", {"url": "postgres://u:hunter2@h"}, "PGPASSWORD"),
        ("postgres", {"url": "postgres://h", "sslpassword": "hunter2"}, "PGPASSWORD"),
        ("postgres", {"host": "h", "password": "hunter2"}, "PGPASSWORD"),
    ],
)
def test_a_password_does_not_travel(kind: str, given: dict[str, Any], says: str) -> None:
    store, limiter = CLASSES[kind]
    for made in (store(**given), limiter(**given, rate=1)):
        with pytest.raises(TypeError, match=says):
            pickle.dumps(made)
