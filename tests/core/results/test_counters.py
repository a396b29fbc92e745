"""What is counted by function and hour, over all processes, in the store."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from beautyspot.contracts import Counts
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot


def work(x: int) -> int:
    return 10 // x


def items(x: int) -> Iterator[int]:
    yield x


def counted(spot: Spot) -> dict[str, tuple[int, int, int]]:
    """Hits, runs and failures by function, over all hours."""
    sums: dict[str, tuple[int, int, int]] = {}
    for each in spot.metadata.counts():
        before = sums.get(each.func_identifier, (0, 0, 0))
        numbers = zip(before, each[2:5], strict=True)
        sums[each.func_identifier] = tuple(a + b for a, b in numbers)  # type: ignore[assignment]
    return sums


def used(spot: Spot) -> None:
    """Two runs of `work`, of which one fails, and two hits; one run of `items`, and a hit."""
    marked = spot.mark(name="work")(work)
    stream = spot.mark(name="items")(items)
    marked(1), marked(1), marked(1)
    with pytest.raises(ZeroDivisionError):
        marked(0)
    list(stream(1)), list(stream(1))


ALL = {"work": (2, 2, 1), "items": (1, 1, 0)}


@pytest.mark.parametrize("save", ["sync", "background"])
def test_flush_writes_what_was_counted_and_each_once(
    make_spot: Callable[..., Spot], save: str
) -> None:
    spot = make_spot(save=save)
    used(spot)
    assert counted(spot) == {}, "nothing is written before it is time"
    spot.flush(), spot.flush()
    assert counted(spot) == ALL
    (one,) = [each for each in spot.metadata.counts() if each.func_identifier == "work"]
    assert abs(one.hour - time.time() // 3600) <= 1
    assert one.seconds_spent > 0
    assert one.seconds_saved > 0


def test_they_add_up_and_outlive_what_they_count(make_spot: Callable[..., Spot]) -> None:
    for _ in range(2):
        with make_spot() as spot:
            used(spot)
            spot.invalidate_all(spot.mark(name="work")(work))
            spot.invalidate_all(spot.mark(name="items")(items))
            spot.prune(older_than=0)
    assert counted(make_spot()) == {name: tuple(2 * n for n in each) for name, each in ALL.items()}


PROGRAM = """
import sys, beautyspot as bs
def work(x): return x
if __name__ == "__main__":
    spot = bs.Spot("app", config=False)
    marked = spot.mark(name="work")(work)
    marked(1), marked(1)
"""


def test_processes_add_up(tmp_path: Path, make_spot: Callable[..., Spot]) -> None:
    for _ in range(2):
        subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, check=True, timeout=60)
    spot = make_spot(name="app", directory=tmp_path / ".beautyspot")
    assert counted(spot) == {"work": (3, 1, 0)}


CHILDREN = """
import multiprocessing, sys, beautyspot as bs
spot = bs.Spot("app", config=False)
@spot.mark(name="work")
def work(x): return x
if __name__ == "__main__":
    work(0)
    spot.flush()
    for x in (0, 1):
        process = multiprocessing.get_context(sys.argv[1]).Process(target=work, args=(x,))
        process.start(), process.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_a_child_of_multiprocessing_writes_at_its_end(
    tmp_path: Path, make_spot: Callable[..., Spot], method: str
) -> None:
    (tmp_path / "program.py").write_text(CHILDREN)
    subprocess.run([sys.executable, "program.py", method], cwd=tmp_path, check=True, timeout=60)
    spot = make_spot(name="app", directory=tmp_path / ".beautyspot")
    assert counted(spot) == {"work": (1, 2, 0)}, "a child that runs nothing counts, too"
    assert sorted(row.used_at is None for row in spot.metadata.all_rows()) == [False, True]


@pytest.mark.parametrize("mode", ["readonly", "replay"])
def test_modes_that_store_nothing_write_none(make_spot: Callable[..., Spot], mode: str) -> None:
    with make_spot() as spot:
        spot.mark(name="work")(work)(1)
    with make_spot(mode=mode) as spot:
        assert spot.mark(name="work")(work)(1) == 10
    assert counted(make_spot()) == {"work": (0, 1, 0)}


class Failing(MemoryMetadataStore):
    """A store that fails once to add counts."""

    error: Exception | None = None
    calls = 0

    def add_counts(self, counts: Iterable[Counts]) -> None:
        self.calls += 1
        error, self.error = self.error, None
        if error is not None:
            raise error
        super().add_counts(counts)


def test_what_could_not_be_written_is_written_later(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(metadata=Failing())
    used(spot)
    spot.metadata.error = MetadataError("full")  # type: ignore[attr-defined]
    assert spot.flush()
    assert counted(spot) == {}
    used(spot)
    spot.flush()
    assert counted(spot) == {"work": (5, 3, 2), "items": (3, 1, 0)}


def test_what_may_have_been_written_is_not_written_twice(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(metadata=Failing())
    used(spot)
    late = MetadataError("no answer within 30 s")
    late.__cause__ = TimeoutError()
    spot.metadata.error = late  # type: ignore[attr-defined]
    spot.flush(), spot.flush()
    assert counted(spot) == {}
