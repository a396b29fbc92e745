"""A Spot whose settings name a server: when it is made, when the server is away, and comes back."""

from __future__ import annotations

import logging
import pickle
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot_redis import RedisLimiter, RedisMetadataStore
from servers import valkey
from servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.resilience.reporting import Trouble


def twice(number: int) -> int:
    return 2 * number


def works(spot: bs.Spot) -> bool:
    """Whether a result comes back from the store."""
    assert spot.cached_run(twice, 21) == 42
    assert spot.cached_run(twice, 21) == 42
    return spot.stats()["hits"] == 1


@pytest.mark.parametrize("form", ["url", "table", "name and environment", "environment", "file"])
def test_each_way_to_name_it(
    make_spot: Callable[..., bs.Spot],
    redis_url: str,
    namespace: str,
    form: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    options: dict[str, Any] = {}
    if form == "url":
        options["metadata"] = redis_url.replace("redis:", "valkey:") + "?timeout=9"
    elif form == "table":
        options["metadata"] = {"use": "redis", "url": redis_url, "timeout": 9}
    elif form == "name and environment":
        monkeypatch.setenv("REDIS_URL", redis_url)
        options["metadata"] = "redis"
    elif form == "environment":
        monkeypatch.setenv("BEAUTYSPOT_METADATA", redis_url)
    else:
        file = tmp_path / "beautyspot.toml"
        file.write_text(f'[metadata]\nuse = "{redis_url}"\ntimeout = 9\n')
        options["config"] = file
    spot = make_spot(namespace, strict=True, **options)
    assert isinstance(spot.metadata, RedisMetadataStore)
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
    ],
)
def test_a_mistake_shows_when_the_spot_is_made(
    make_spot: Callable[..., bs.Spot], metadata: Any, says: str
) -> None:
    with pytest.raises(bs.ConfigError, match=says) as caught:
        make_spot(metadata=metadata)
    assert "hunter" not in str(caught.value)
    with pytest.raises(bs.ConfigError, match=says):
        make_spot(
            limiter={"use": metadata, "rate": 1}
            if isinstance(metadata, str)
            else {**metadata, "rate": 1}
        )


def test_an_address_alone_is_no_store_to_look_at(
    make_spot: Callable[..., bs.Spot], redis_url: str, namespace: str
) -> None:
    assert works(make_spot(namespace, metadata=redis_url))
    with pytest.raises(bs.ConfigError, match="has a place for each Spot: say which one by name="):
        bs.open_store(redis_url, config=False)
    for where, name in ((redis_url, namespace), (f"{redis_url}?namespace={namespace}", None)):
        with bs.open_store(where, name=name, config=False) as store:
            assert store.total().entries == 1


@pytest.mark.parametrize("wrong", ["away", "password", "mode"])
def test_a_server_that_can_t_be_used_gives_an_uncached_spot_that_says_why(
    make_spot: Callable[..., bs.Spot],
    redis_server: valkey.Valkey,
    troubles: list[Trouble],
    wrong: str,
) -> None:
    url = {
        "away": f"redis://127.0.0.1:{free_port()}",
        "password": f"redis://:hunter2@{redis_server.host_and_port}",
        "mode": f"redis+cluster://{redis_server.host_and_port}",
    }[wrong]
    says = {"away": "start the server", "password": "correct user and password", "mode": "redis://"}
    spot = make_spot(metadata=url, on_error=troubles.append)
    assert [spot.cached_run(twice, 21) for _ in range(2)] == [42, 42]
    assert says[wrong] in str(troubles[0].error)
    assert "hunter2" not in str(troubles)


# ------------------------------------------------------------------------------------- secrets


def test_no_repr_and_no_log_shows_a_password(
    make_spot: Callable[..., bs.Spot],
    redis_server: valkey.Valkey,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = f"redis://user:hunter2@{redis_server.host_and_port}"
    with caplog.at_level(logging.DEBUG):
        spot = make_spot(metadata=url, limiter={"use": url, "rate": "600/min"})
        spot.cached_run(twice, 21)
        shown = f"{spot!r} {spot.metadata!r} {spot.bucket!r}"
    assert shown.count(redis_server.host_and_port) == 3
    assert "AuthenticationError" in caplog.text
    assert "hunter2" not in caplog.text + shown


def test_a_store_and_a_limiter_travel_without_a_password(
    redis_server: valkey.Valkey, namespace: str
) -> None:
    store = RedisMetadataStore(redis_server.url, namespace=namespace)
    limiter = RedisLimiter(redis_server.url, rate="1/hour", namespace=namespace)
    again = pickle.loads(pickle.dumps(store))
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
        {"url": "redis://:hunter2@h"},
        {"url": "redis://h", "password": "hunter2"},
        {"url": "redis+sentinel://h/main", "sentinel_password": "hunter2"},
    ],
)
def test_a_password_does_not_travel(given: dict[str, Any]) -> None:
    for made in (RedisMetadataStore(**given), RedisLimiter(**given, rate=1)):
        with pytest.raises(TypeError, match="REDIS_PASSWORD"):
            pickle.dumps(made)
