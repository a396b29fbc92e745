"""A backend that can't be reached when the Spot is made: the program runs, it comes later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from beautyspot.errors import ConfigError, MetadataError
from beautyspot.hookspecs import hookimpl
from beautyspot.memory import MemoryMetadataStore
from beautyspot.resilience import circuit_breaker, guarded_backends
from beautyspot.spot import Spot

RAN: list[Any] = []


class Outage:
    """Whether the servers are down, and how often they were asked."""

    error: ClassVar[Exception | None] = None
    tries: ClassVar[int] = 0

    @classmethod
    def meet(cls) -> None:
        cls.tries += 1
        if cls.error is not None:
            raise cls.error


class RemoteStore(MemoryMetadataStore):
    name = "remote"
    schemes = ("remote",)
    blocking = True
    closed: ClassVar[int] = 0

    def __init__(self) -> None:
        Outage.meet()
        super().__init__()
        self.lease_time = 12.5

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        type(self).closed += 1


@hookimpl
def beautyspot_register_metadata() -> type[RemoteStore]:
    return RemoteStore


PLUGIN = SimpleNamespace(
    beautyspot_register_metadata=beautyspot_register_metadata,
)


@pytest.fixture(autouse=True)
def _afresh() -> Any:
    RAN.clear()
    Outage.error, Outage.tries, RemoteStore.closed = None, 0, 0


def double(x: int) -> int:
    RAN.append(x)
    return x * 2


async def double_later(x: int) -> int:
    return double(x)


@pytest.mark.parametrize("error", [MetadataError("no server"), ConnectionRefusedError("no server")])
@pytest.mark.parametrize("spec", ["remote", " remote:// ", {"use": "remote"}, RemoteStore])
def test_a_store_out_of_reach_comes_later(
    make_spot: Callable[..., Spot],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    error: Any,
    spec: Any,
) -> None:
    monkeypatch.setattr(guarded_backends, "SLOW", -1.0)  # as if each try took seconds
    monkeypatch.setattr(circuit_breaker, "FIRST_PAUSE", 3600.0)  # however slow the machine is
    Outage.error = error
    spot = make_spot(metadata=spec, plugins=[PLUGIN])
    marked, later = spot.mark(double), spot.mark(double_later)
    assert repr(spot.metadata) == "<stand-in for 'remote'>"
    assert Outage.tries == 1, "to try again at once takes as long"
    for _ in range(20):
        assert [marked(1), asyncio.run(later(1))] == [2, 2]
    assert Outage.tries < 20, "each try may take seconds: not at every call"
    assert 0 < len(caplog.records) <= 4, "as of a server that goes away: opening, looking, saving"
    assert all("no server" in record.getMessage() for record in caplog.records)
    Outage.error = None
    spot.flush()
    assert [marked(2), asyncio.run(later(2))] == [4, 4]
    assert spot.flush()
    RAN.clear()
    assert [marked(1), marked(2), asyncio.run(later(1)), asyncio.run(later(2))] == [2, 4, 2, 4]
    assert RAN == [], "what was computed meanwhile is stored"
    assert spot.stats()["entries"] == 4
    spot.shutdown()
    assert RemoteStore.closed == 1


def test_a_mistake_is_no_outage(make_spot: Callable[..., Spot]) -> None:
    Outage.error = TypeError("mine")
    with pytest.raises(ConfigError, match="mine"):
        make_spot(metadata="remote", plugins=[PLUGIN])


def test_a_strict_spot_raises_an_outage(make_spot: Callable[..., Spot]) -> None:
    Outage.error = MetadataError("no server")
    with pytest.raises(MetadataError, match="no server"):
        make_spot(metadata="remote", plugins=[PLUGIN], strict=True)
