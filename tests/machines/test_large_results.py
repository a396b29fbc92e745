"""What a row of a shared store holds, what goes elsewhere, and what is refused."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.serialization.payload import zstandard
from beautyspot.spot import Spot
from beautyspot_local import LocalStorage
from servers.shared import OWN_STORAGE, STORES, Shared

rows_alone = pytest.mark.parametrize("kind", [kind for kind in STORES if kind not in OWN_STORAGE])
with_a_storage = pytest.mark.parametrize("kind", [kind for kind in STORES if kind in OWN_STORAGE])


def repeated(times: int) -> bytes:
    return b"x" * times


def stored(spot: Spot, function: Callable[..., Any], *args: Any) -> tuple[str, int | None]:
    record = spot.metadata.get(spot.key(function, *args))
    assert record is not None
    return record.result_type, record.size


@pytest.fixture
def place(server: Shared, namespace: str) -> dict[str, Any]:
    return server.at(namespace=namespace)


@rows_alone
def test_rows_hold_results_up_to_their_bound(
    make_spot: Callable[..., Spot],
    place: dict[str, Any],
    kind: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spot = make_spot(metadata={**place, "largest_data": 2**21})
    f = spot.mark(repeated)
    with caplog.at_level(logging.WARNING, logger="beautyspot"):
        assert f(2**20 * 3 // 2) == f(2**20 * 3 // 2)  # over the threshold of 1 MiB
        assert spot.last_call().hit
        assert caplog.messages == []
        f(2**21)
        assert caplog.messages == []
        f(2**21 + 1)
    [said] = caplog.messages
    assert f"it is over 2 MiB, the most that a row of the metadata store {kind!r} holds" in said
    with bs.open_store(spot) as store:
        assert store.total().entries == 2
        assert store.storage is None


@pytest.mark.skipif(zstandard() is None, reason="the extra zstd is not installed")
def test_compressed_rows_are_found_by_another_machine(
    make_spot: Callable[..., Spot], place: dict[str, Any]
) -> None:
    one, two = (make_spot(metadata=place, compress=how, strict=True) for how in ("zstd", None))
    f, g = one.mark(repeated), two.mark(repeated)
    assert f(2**22) == repeated(2**22)
    kind, size = stored(one, f, 2**22)
    assert (kind, (size or 0) < 2**12) == ("DIRECT_BLOB", True)
    assert g(2**22) == repeated(2**22)
    assert two.last_call().hit
    with bs.open_store(two) as store:
        assert store.value(two.key(g, 2**22)) == repeated(2**22)
        assert list(store.verify()) == []


@rows_alone
def test_a_shared_folder_takes_what_is_large(
    make_spot: Callable[..., Spot], place: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(bs.ConfigError, match="the storage 'local' .* is of this machine alone"):
        make_spot(metadata=place, storage="local")
    folder = f"{(tmp_path / 'nfs').as_uri()}?shared=true"
    one, two = (
        make_spot(metadata=place, storage=folder, directory=tmp_path / each, strict=True)
        for each in ("one", "two")
    )
    f, g = one.mark(repeated), two.mark(repeated)
    f(2**21)
    assert stored(one, f, 2**21)[0] == "FILE"
    assert g(2**21) == repeated(2**21)
    assert two.last_call().hit
    assert isinstance(two.storage, LocalStorage)


@with_a_storage
def test_what_is_large_goes_into_the_bucket_by_itself(
    make_spot: Callable[..., Spot], place: dict[str, Any]
) -> None:
    one, two = (make_spot(metadata=place, strict=True) for _ in range(2))
    f, g = one.mark(repeated), two.mark(repeated)
    f(2**21)
    assert stored(one, f, 2**21)[0] == "FILE"
    assert g(2**21) == repeated(2**21)
    assert two.last_call().hit
    with bs.open_store(two) as store:
        assert list(store.verify()) == []
        assert store.value(two.key(g, 2**21)) == repeated(2**21)
    one.invalidate(f, 2**21)
    assert g(2**21) == repeated(2**21)
    assert not two.last_call().hit
