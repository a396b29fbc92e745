"""Blobs that the memory in front of the server names; the rest is in `tests/machines`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beautyspot.spot import Spot

RUNS: list[str] = []


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
