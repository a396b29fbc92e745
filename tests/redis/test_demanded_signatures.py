"""What demands signatures is a field in Redis: who reads it, how it goes. See `tests/machines`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot_redis import RedisMetadataStore
from servers import valkey

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot

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


def test_an_instance_learns_it_as_it_is_opened(
    demanded: Spot, make_spot: Callable[..., Spot], store: RedisMetadataStore
) -> None:
    assert not store.demands_signing
    with pytest.raises(bs.ConfigError, match="takes signed results only"):
        make_spot(metadata=store)
    assert store.demands_signing


def test_it_comes_back_with_a_store_that_was_emptied(
    demanded: Spot, make_spot: Callable[..., Spot], place: dict[str, Any], raw: Any, prefix: str
) -> None:
    raw.delete(f"{prefix}store")
    demanded.mark(double)(2)
    with pytest.raises(bs.ConfigError, match="takes signed results only"):
        make_spot(metadata=place)


def test_it_is_taken_back_as_the_manual_says(
    demanded: Spot, make_spot: Callable[..., Spot], place: dict[str, Any], raw: Any, prefix: str
) -> None:
    assert raw.zrem(f"{prefix}store", "demands_signing") == 1
    spot = make_spot(metadata=place, strict=True)
    assert spot.mark(double)(2) == 4
    assert not spot.metadata.demands_signing
