"""What a Spot does at its start, and what waits for the first function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from beautyspot import Spot
from beautyspot.errors import ConfigError, MetadataError
from beautyspot.memory import MemoryMetadataStore


class Store(MemoryMetadataStore):
    """Counts how often it was opened and closed, and fails to open where it is told to."""

    name = "counting"
    error: ClassVar[Exception | None] = None
    demands: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.opened = self.closed = 0

    def open(self) -> None:
        self.opened += 1
        if self.error is not None:
            raise self.error
        self.demands_signing = self.demands

    def close(self) -> None:
        self.closed += 1


class FarStore(Store):
    """The same, as of a server."""

    blocking = True


@pytest.fixture(autouse=True)
def _afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "error", None)


def test_the_store_is_there_before_any_function(
    make_spot: Callable[..., Spot], tmp_path: Path
) -> None:
    spot = make_spot(directory=tmp_path / "cache")
    assert spot.db_path.exists()


@pytest.mark.parametrize("kind", [Store, FarStore])
def test_it_is_opened_once(make_spot: Callable[..., Spot], kind: Any) -> None:
    spot = make_spot(metadata=kind)
    store: Any = spot.metadata
    marked = spot.mark(lambda x: x)
    assert marked(1) == marked(1) == 1
    assert (store.opened, spot.stats()["hits"]) == (1, 1)


@pytest.mark.parametrize("kind", [Store, FarStore])
def test_a_store_that_fails_is_reported_at_once(
    make_spot: Callable[..., Spot],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    kind: Any,
) -> None:
    monkeypatch.setattr(Store, "error", MetadataError("no disk"))
    spot = make_spot(metadata=kind)
    (record,) = caplog.records
    assert "could not open the metadata store: MetadataError: no disk" in record.getMessage()
    assert spot.mark(lambda x: x)(1) == 1
    with pytest.raises(MetadataError, match="no disk"):
        make_spot(metadata=kind, strict=True)


@pytest.mark.parametrize("kind", [Store, FarStore])
def test_what_a_store_demands_when_it_is_opened_is_refused_at_once(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    monkeypatch.setattr(Store, "demands", True)
    with pytest.raises(ConfigError, match="takes signed results only"):
        make_spot(metadata=kind)


@pytest.mark.parametrize("kind", [Store, FarStore])
@pytest.mark.parametrize("end", ["shutdown", "drop"])
def test_a_spot_without_a_function_closes_its_store(
    make_spot: Callable[..., Spot], kind: Any, end: str
) -> None:
    spot = make_spot(metadata=kind)
    store: Any = spot.metadata
    if end == "shutdown":
        spot.shutdown()
        spot.shutdown()
    else:
        spot._finalizer()
    assert store.closed == 1
