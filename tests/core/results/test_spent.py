"""What was spent is never less than the prices of what is stored, if the process is killed too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import beautyspot as bs
import pytest
from beautyspot.contracts import Counts
from beautyspot.contracts.store import Put
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot
from gates import DEADLINE
from kinds import KINDS

PROGRAM = """
import asyncio, os, sys
import beautyspot as bs

spot = bs.Spot("app", config=False, save=sys.argv[1])
mark = spot.mark(price=lambda result: 0.25)

@mark
def plain(x): return x

@mark
async def coroutine(x): return x

@mark
def stream(x): yield x

@mark
async def async_stream(x): yield x

@spot.mark(each="xs", price=len)
def items(xs): return [str(x) for x in xs]

@mark
def dies(x):
    if x == 3:
        os.kill(os.getpid(), 9)
    return x

async def in_a_loop():
    for x in range(3):
        await coroutine(x)
    async for _ in async_stream(1):
        pass

if __name__ == "__main__":
    for x in range(3):
        plain(x), list(stream(x))
    items(range(5))
    asyncio.run(in_a_loop())
    list(spot.map(plain, range(10, 20), concurrency=3))
    for x in range(10):
        dies(x)
"""


def spent_and_stored(store: bs.Store) -> tuple[float, float]:
    """What was spent by the counts, and by the rows."""
    spent = sum(each.money_spent for each in store.counts())
    return spent, sum(row.price or 0.0 for row in store.rows())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("save", ["sync", "background"])
def test_a_killed_process_has_counted_what_it_stored(tmp_path: Path, save: str) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "program.py", save], cwd=tmp_path, check=False, timeout=DEADLINE
    )
    assert done.returncode == -9
    with bs.open_store(tmp_path / ".beautyspot", config=False) as store:
        spent, stored = spent_and_stored(store)
        assert stored > (10.0 if save == "sync" else 0.0) or save == "background"
        assert spent >= stored - 1e-9


class Watching(MemoryMetadataStore):
    """A store that sees whether a row comes before what it cost was counted."""

    least, puts = 0.0, 0
    fails: Exception | None = None

    def add_counts(self, counts: Iterable[Counts]) -> None:
        if self.fails is not None:
            raise self.fails
        super().add_counts(counts)

    def put(self, rows: Sequence[Put]) -> set[str]:
        self.puts += len(rows)
        spent = sum(each.money_spent for each in self.counts())
        records = [*self.all_rows(), *(row.record for row in rows)]
        self.least = min(self.least, spent - sum(record.price or 0.0 for record in records))
        return super().put(rows)


@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_counted_before_it_is_stored(
    make_spot: Callable[..., Spot], kind: str, save: str
) -> None:
    store = Watching()
    spot = make_spot(metadata=store, save=save)
    function, call = KINDS[kind]
    marked = spot.mark(name="f", price=lambda result: 0.5)(function)
    for number in range(4):
        call(marked, number)
    spot.flush()
    assert len(list(store.all_rows())) == 4
    assert store.puts > 0
    assert store.least == 0.0
    (counted,) = store.counts()
    assert (counted.runs, counted.money_spent) == (4, 2.0)
