"""A process that is killed anywhere leaves no lock, no torn row, and all that it had stored."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from beautyspot_local import SqliteMetadataStore
from beautyspot_testing.records import a_record
from beautyspot_testing.store import MINE, stored
from child import Child

if TYPE_CHECKING:
    from pathlib import Path

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
