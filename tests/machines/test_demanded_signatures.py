"""A store that takes signed results only, and keeps that at its place for all programs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.contracts.store import totals_of
from beautyspot.spot import Spot
from kinds import RAN
from servers import valkey
from servers.proxy import Link
from servers.shared import Shared

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def place(server: Shared, namespace: str) -> dict[str, Any]:
    return server.at(namespace=namespace)


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
    kind: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    demanded.mark(double)(2)
    with pytest.raises(bs.ConfigError) as caught:
        make_spot(metadata=place)
    assert caplog.messages == []
    said = str(caught.value)
    assert f"the metadata store {kind!r} (from: argument) takes signed results only" in said
    assert 'signing_key=os.environ["MY_SIGNING_KEY"]' in said
    spot = make_spot(metadata=place, signing_key=KEY, strict=True)
    assert spot.mark(double)(2) == 4
    assert RAN == [2]
    assert spot.metadata.demands_signing


@pytest.mark.usefixtures("hasty")
def test_a_server_that_comes_later_is_not_used_without_a_key(
    make_spot: Callable[..., Spot],
    place: dict[str, Any],
    server: Shared,
    link: Link,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is there unsigned is no hit, and nothing is stored unsigned."""
    before = make_spot(metadata=place, strict=True).mark(double)
    assert [before(3), before(5)] == [6, 10]
    link.part()
    with caplog.at_level(logging.WARNING, logger="beautyspot"):
        spot = make_spot(metadata={**place, **server.at(port=link.port), "timeout": 1.0})
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
    assert totals_of(there).entries == 2


def test_nothing_unsigned_is_copied_there(
    demanded: Spot, make_spot: Callable[..., Spot], place: dict[str, Any], tmp_path: Path
) -> None:
    source = make_spot("source", directory=tmp_path / "source")
    source.mark(double)(3)
    with bs.open_store(source) as one:
        says = pytest.raises(bs.ConfigError, match="takes signed results only: open it with")
        with bs.open_store(demanded.metadata, config=False) as other, says:
            one.copy_to(other)
    assert totals_of(demanded.metadata).entries == 0
