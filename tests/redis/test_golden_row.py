"""Rows are frozen: what this release wrote is read by all that follow, under the same name.

A change here makes each cluster compute everything again: it is a new mark, read beside the old.
"""

from __future__ import annotations

from typing import Any

from beautyspot.contracts.records import covers_of
from beautyspot.contracts.store import Put
from beautyspot_redis import RedisMetadataStore
from beautyspot_redis.rows import record_of, written
from golden import KEY, RECORD

ROW = bytes.fromhex(
    "6273313a41daac4ee020000041daac4ee010000041daac4ee040000031656336"
    "39613763643936353262666631626364656661653561323836663161000000ec"
    "dc001a000007d920303132333435363738396162636465663031323334353637"
    "3839616263646566a166d9206162616261626162616261626162616261626162"
    "616261626162616261626162a132ab4449524543545f424c4f42aa746578742f"
    "706c61696ec0b3323032362d31312d32362031323a30303a3030a86d6f64756c"
    "653a6601a76d73677061636bc410000102030405060708090a0b0c0d0e0f07ab"
    "7b2278223a20226162227d92a36f6e65a374776fcb41daac4ee0200000cb3fd0"
    "000000000000c0cb41daac4ee0400000a530663a6131a3783d31cb3fc0000000"
    "000000cb41daac4ee010000082a16101a162c3"
)


def test_what_is_written_is_what_was() -> None:
    assert written(RECORD) == ROW


def test_what_was_written_is_read() -> None:
    assert record_of(KEY, ROW) == RECORD


def test_the_names_in_the_server_are_what_they_were(
    store: RedisMetadataStore, raw: Any, prefix: str
) -> None:
    begun = store.begin([KEY, "f" * 32], "1" * 32)
    store.put([Put(RECORD, covers_of(RECORD), begun.since, "1" * 32)])
    names = {name.decode().removeprefix(prefix) for name in raw.scan_iter(f"{prefix}*")}
    assert names == {f"row:{KEY}", f"lease:{'f' * 32}", "store"}
