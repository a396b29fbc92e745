"""A process that is killed anywhere leaves no lock, no torn row, and all that it had stored."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from beautyspot.spot import Spot
from beautyspot_local import SqliteMetadataStore
from beautyspot_testing.records import a_record
from beautyspot_testing.store import MINE, stored
from child import Child

WORKER = """
import mmap, struct
from beautyspot.contracts.records import covers_of
from beautyspot.contracts.store import Put
from beautyspot_local import SqliteMetadataStore
store = SqliteMetadataStore({path!r}, timeout=30)
with open({acks!r}, "r+b") as file: acknowledged = mmap.mmap(file.fileno(), 4096)
token = "{number:032x}"

def record(key, round):
    data = str(round).encode() * 2000
    now = store.now()
    return TaskRecord(key, "f", "i", result_data=data, made_at=now, began_at=now)

say("ready")
for round in range(1, 10**9):
    count = 1 if round % 3 else 40
    keys = [f"{{{number} * 1000 + n:032x}}" for n in range(count)]
    begun = store.begin(keys, token, rejected=dict.fromkeys(keys, float("inf")))
    assert set(begun.leased) == set(keys)
    rows = [record(key, round) for key in keys]
    assert not store.put([Put(row, covers_of(row), begun.since, token) for row in rows])
    struct.pack_into("q", acknowledged, 8 * {number}, round)
"""


@pytest.mark.parametrize("kills", [6, pytest.param(150, marks=pytest.mark.slow)])
def test_a_process_that_is_killed_anywhere(tmp_path: Path, kills: int) -> None:
    path, acks = tmp_path / "a.db", tmp_path / "acknowledged"
    acks.write_bytes(bytes(4096))
    rng = random.Random(kills)  # noqa: S311
    with closing(SqliteMetadataStore(path)) as store:
        for number in range(kills):
            code = WORKER.format(path=str(path), acks=str(acks), number=number)
            with Child(code) as child:
                assert child.heard() == "ready"
                # Some rounds, and then a moment of the machine's own choice.
                least = rng.randrange(1, 6)
                while rounds(acks, number) < least:
                    assert child.is_running()
                child.kill()
            done = rounds(acks, number)
            keys = [f"{number * 1000 + n:032x}" for n in range(40)]
            found = {record.cache_key: record for record in store.all_rows(data=True)}
            stored_rounds = [found[key].result_data for key in keys if key in found]
            for data in stored_rounds:
                round_ = data[: len(data) // 2000]
                assert data == round_ * 2000, "a row is torn"
            at = int(found[keys[0]].result_data[: len(found[keys[0]].result_data) // 2000])
            assert at in (done, done + 1), "what `put` had returned from is lost"
            batches = {found[key].result_data for key in keys[1:] if key in found}
            assert len(batches) <= 1, "a batch was stored in parts"
            rejected = dict.fromkeys(keys, float("inf"))
            assert set(store.begin(keys, MINE, rejected=rejected).leased) == set(keys), (
                "a lock stays"
            )
            stored(store, *(a_record(key) for key in keys), token=MINE)


def rounds(acks: Path, number: int) -> int:
    return int.from_bytes(acks.read_bytes()[8 * number : 8 * number + 8], "little")


# ---- a process that is stopped in the midst of a call, which another one makes meanwhile


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP on Windows")

CALLER = """
import os
from beautyspot import Spot

def work(x):
    say("begun")
    wait()
    return "by the process that was stopped"

with Spot("app", directory={directory!r}, config=False, strict=True{options}) as spot:
    say(os.getpid())
    print(spot.mark(name="work")(work)("a"), flush=True)
"""


def work(x: str) -> str:
    return f"{x}: by the one that began later"


@pytest.mark.parametrize("options", ["", ", save='background', blob_threshold=0"])
def test_it_overwrites_nothing_newer(
    make_spot: Callable[..., Spot], tmp_path: Path, options: str
) -> None:
    spot = make_spot(directory=tmp_path, wait_timeout=0.05, strict=True)
    marked = spot.mark(name="work")(work)
    with Child(CALLER.format(directory=str(tmp_path), options=options)) as child:
        process = int(child.heard())
        assert child.heard() == "begun"
        os.kill(process, signal.SIGSTOP)
        try:
            newest = marked("a")  # it waits for the lease in vain
            child.go_on()
        finally:
            os.kill(process, signal.SIGCONT)
        assert child.heard() == "by the process that was stopped"
        child.expect_success()
    assert spot.peek(marked, "a").value == newest == "a: by the one that began later"  # type: ignore[union-attr]
    assert marked("a") == newest
    assert spot.collect(grace=0).blobs == 0
