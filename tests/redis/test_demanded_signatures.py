"""A store that takes signed results only, and keeps that in its server for all programs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot_redis import RedisMetadataStore
from servers import valkey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.spot import Spot
    from beautyspot_redis.names import Names
    from servers.proxy import Link

KEY = "0123456789abcdef0123456789abcdef"
RAN: list[int] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


@pytest.fixture
def place(redis_server: valkey.Valkey, namespace: str) -> dict[str, Any]:
    return {"use": "redis", "url": redis_server.url, "namespace": namespace}


@pytest.fixture
def demanded(make_spot: Callable[..., Spot], place: dict[str, Any]) -> Spot:
    """The first Spot that opens the store, and says what it demands."""
    return make_spot(metadata={**place, "demands_signing": True}, signing_key=KEY, strict=True)


def double(number: int) -> int:
    RAN.append(number)
    return number * 2


def test_a_spot_that_was_told_nothing_is_refused_without_a_key(
    demanded: Spot,
    make_spot: Callable[..., Spot],
    place: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    demanded.mark(double)(2)
    with pytest.raises(bs.ConfigError) as caught:
        make_spot(metadata=place)
    assert caplog.messages == []
    said = str(caught.value)
    assert "the metadata store 'redis' (from: argument) takes signed results only" in said
    assert 'signing_key=os.environ["MY_SIGNING_KEY"]' in said
    spot = make_spot(metadata=place, signing_key=KEY, strict=True)
    assert spot.mark(double)(2) == 4
    assert RAN == [2]
    assert spot.metadata.demands_signing


def test_an_instance_learns_it_as_it_is_opened(
    demanded: Spot, make_spot: Callable[..., Spot], store: RedisMetadataStore
) -> None:
    assert not store.demands_signing
    with pytest.raises(bs.ConfigError, match="takes signed results only"):
        make_spot(metadata=store)
    assert store.demands_signing


@pytest.mark.usefixtures("hasty")
def test_a_server_that_comes_later_is_not_used_without_a_key(
    make_spot: Callable[..., Spot],
    place: dict[str, Any],
    link: Link,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is there unsigned is no hit, and nothing is stored unsigned."""
    before = make_spot(metadata=place, strict=True).mark(double)
    assert [before(3), before(5)] == [6, 10]
    link.part()
    far = {**place, "url": f"redis://127.0.0.1:{link.port}", "timeout": 0.3}
    with caplog.at_level(logging.WARNING, logger="beautyspot"):
        spot = make_spot(metadata=far)
        f = spot.mark(double)
        assert f(1) == 2
        demanding = {**place, "demands_signing": True}
        there = make_spot(metadata=demanding, signing_key=KEY, strict=True).metadata
        link.mend()
        assert valkey.until(lambda: not spot.flush() and spot.metadata.demands_signing)
        assert [f(2), f(3)] == [4, 6]
        assert RAN == [3, 5, 1, 2, 3]
        assert not spot.flush()
        with pytest.raises(bs.MetadataError, match="takes signed results only"):
            spot.set_result(8, f, 4)
        assert spot.peek(f, 5) is None
    [said] = [said for said in caplog.messages if "signed results only" in said]
    assert 'signing_key=os.environ["MY_SIGNING_KEY"]' in said
    assert there.totals().entries == 2


def test_it_comes_back_with_a_store_that_was_emptied(
    demanded: Spot, make_spot: Callable[..., Spot], place: dict[str, Any], raw: Any, names: Names
) -> None:
    raw.delete(names.meta)
    demanded.mark(double)(2)
    with pytest.raises(bs.ConfigError, match="takes signed results only"):
        make_spot(metadata=place)


def test_it_is_taken_back_as_the_manual_says(
    demanded: Spot, make_spot: Callable[..., Spot], place: dict[str, Any], raw: Any, names: Names
) -> None:
    assert raw.hdel(names.meta, "demands_signing") == 1
    spot = make_spot(metadata=place, strict=True)
    assert spot.mark(double)(2) == 4
    assert not spot.metadata.demands_signing


def test_a_user_that_may_only_read_learns_it(
    demanded: Spot, redis_server: valkey.Valkey, namespace: str, raw: Any
) -> None:
    rules = ["on", ">pw", "~*", "-@all", "+@connection", "+@read", "+@scripting"]
    raw.execute_command("ACL", "SETUSER", namespace, *rules)
    user = {"username": namespace, "password": "pw"}
    reader = RedisMetadataStore(redis_server.url, namespace=namespace, **user)
    reader.open()
    assert reader.demands_signing
    reader.close()


def test_nothing_unsigned_is_copied_there(
    demanded: Spot, make_spot: Callable[..., Spot], store: RedisMetadataStore, tmp_path: Path
) -> None:
    source = make_spot("source", directory=tmp_path / "source")
    source.mark(double)(3)
    with bs.open_store(source) as one:
        says = pytest.raises(bs.ConfigError, match="takes signed results only: open it with")
        with bs.open_store(store, config=False) as other, says:
            one.copy_to(other)
    assert demanded.metadata.totals().entries == 0
