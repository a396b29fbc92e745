"""What a row of a server holds, what goes elsewhere, and what is refused."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.serialization.compression import is_installed
from beautyspot_local import LocalStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beautyspot.spot import Spot

KEY = "0123456789abcdef0123456789abcdef"


RUNS: list[str] = []


def repeated(times: int) -> bytes:
    return b"x" * times


def stored(spot: Spot, function: Callable[..., Any], *args: Any) -> tuple[str, int | None]:
    record = spot.metadata.get(spot.key(function, *args))
    assert record is not None
    return record.result_type, record.size


def test_rows_hold_results_up_to_their_bound(
    make_spot: Callable[..., Spot], url: str, caplog: pytest.LogCaptureFixture
) -> None:
    spot = make_spot(metadata=f"{url}&largest_data={2**21}")
    f = spot.mark(repeated)
    with caplog.at_level(logging.WARNING, logger="beautyspot"):
        assert f(2**20 * 3 // 2) == f(2**20 * 3 // 2)  # over the threshold of 1 MiB
        assert spot.last_call().hit
        assert caplog.messages == []
        f(2**21)
        assert caplog.messages == []
        f(2**21 + 1)
    [said] = caplog.messages
    assert "it is over 2 MiB, the most that a row of the metadata store 'redis' holds" in said
    with bs.open_store(spot) as store:
        assert store.total().entries == 2
        assert store.storage is None


@pytest.mark.skipif(not is_installed(), reason="the extra zstd is not installed")
def test_compressed_rows_are_found_by_another_machine(
    make_spot: Callable[..., Spot], url: str
) -> None:
    one, two = (make_spot(metadata=url, compress=how, strict=True) for how in ("zstd", None))
    f, g = one.mark(repeated), two.mark(repeated)
    assert f(2**22) == repeated(2**22)
    kind, size = stored(one, f, 2**22)
    assert (kind, (size or 0) < 2**12) == ("DIRECT_BLOB", True)
    assert g(2**22) == repeated(2**22)
    assert two.last_call().hit
    with bs.open_store(two) as store:
        assert store.value(two.key(g, 2**22)) == repeated(2**22)
        assert list(store.verify()) == []


def test_a_shared_folder_takes_what_is_large(
    make_spot: Callable[..., Spot], url: str, tmp_path: Path
) -> None:
    with pytest.raises(bs.ConfigError, match="the storage 'local' .* is of this machine alone"):
        make_spot(metadata=url, storage="local")
    folder = f"{(tmp_path / 'nfs').as_uri()}?shared=true"
    one, two = (
        make_spot(metadata=url, storage=folder, directory=tmp_path / each, strict=True)
        for each in ("one", "two")
    )
    f, g = one.mark(repeated), two.mark(repeated)
    f(2**21)
    assert stored(one, f, 2**21)[0] == "FILE"
    assert g(2**21) == repeated(2**21)
    assert two.last_call().hit
    assert isinstance(two.storage, LocalStorage)


def test_a_stream_whose_blob_another_machine_has_replaced_is_found_and_not_run(
    make_spot: Callable[..., Spot], url: str, tmp_path: Path
) -> None:
    """The memory of this one may name the blob of the result before for a while."""
    folder = f"{(tmp_path / 'nfs').as_uri()}?shared=true"
    elsewhere = url.replace("127.0.0.1", "localhost")  # as from another process
    one, two = (
        make_spot(metadata=address, storage=folder, blob_threshold=1000, directory=tmp_path / each)
        for each, address in (("one", f"{url}&memory=1000000&memory_age=1h"), ("two", elsewhere))
    )

    def numbers(text: str) -> Iterator[str]:
        RUNS.append(text)
        yield f"{len(RUNS)}" * 2000

    RUNS.clear()
    f, g = one.mark(numbers, name="numbers"), two.mark(numbers, name="numbers")
    assert [*f("a")] == [*f("a")] == ["1" * 2000]
    assert two.invalidate(g, "a")
    assert [*g("a")] == ["2" * 2000]
    assert [*f("a")] == ["2" * 2000]
    assert len(RUNS) == 2


def test_a_server_may_demand_signatures(make_spot: Callable[..., Spot], url: str) -> None:
    demanding = f"{url}&demands_signing=true"
    with pytest.raises(bs.ConfigError, match="BEAUTYSPOT_SIGNING_KEY"):
        make_spot(metadata=demanding)
    spot = make_spot(metadata=demanding, signing_key=KEY, strict=True)
    f = spot.mark(repeated)
    assert f(3) == f(3) == b"xxx"
    assert spot.last_call().hit
