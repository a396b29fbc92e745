"""``python -m benchmarks.looking``: what it takes to look at a store of a million rows.

The rows are of fifty functions, with a text of arguments of some 200 characters, and 100 bytes of
data. Each time is the best of some, in milliseconds, and the worst behind it.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from beautyspot import Counts, TaskRecord, open_store
from beautyspot.contracts.records import covers_of
from beautyspot.contracts.store import Put
from beautyspot_local.sqlite.store import SqliteMetadataStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import MetadataStoreBase, Store

_BATCH = 10_000
_BEGIN = 1.7e9
_HOURS = 24 * 30
_STEP = "app:step_7"

QUESTIONS: dict[str, Callable[[Store], object]] = {
    "the first page by key": lambda store: store.page(),
    "the first page of the newest": lambda store: store.page("newest"),
    "the same of one function": lambda store: store.page("newest", function=_STEP),
    "the same, larger than 1 MB: none is": lambda store: store.page("newest", larger=10**6),
    "the first page of the largest": lambda store: store.page("largest"),
    "sums of one function's": lambda store: store.total(function=_STEP),
    "counts of all hours, summed": lambda store: store.counts(hourly=False),
    "the same with a text that no row has": lambda store: store.page("newest", arguments="nowhere"),
    "a row by the first 8 digits of its key": lambda store: store.row(key_of(4711)[:8]),
    "the functions": lambda store: store.functions(),
    "the counts of a month": lambda store: store.counts(),
    "the totals": lambda store: store.total(),
}


def main(arguments: list[str] | None = None) -> int:
    """Fill a store, ask it, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.looking", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="in the store")
    parser.add_argument("--repeat", type=int, default=5, help="times that each is asked")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.db"
        made = SqliteMetadataStore(path)
        fill(made, options.rows)
        made.close()
        with open_store(path, config=False) as store:
            print_table(store, options.repeat)
    return 0


def print_table(store: Store, repeat: int) -> None:
    """Ask each question."""
    sys.stdout.write("| asked for | |\n|---|---|\n")
    for title, ask in QUESTIONS.items():
        sys.stdout.write(f"| {title} | {timed(partial(ask, store), repeat)} |\n")


def fill(store: MetadataStoreBase, rows: int) -> None:
    """Put so many rows, and the counts of a month."""
    since = store.begin([], "0" * 32).since
    for start in range(0, rows, _BATCH):
        records = [record_of(number) for number in range(start, min(start + _BATCH, rows))]
        store.put([Put(record, covers_of(record), since) for record in records])
    names = {record_of(number).func_identifier or "" for number in range(50)}
    store.add_counts(Counts(name, 470_000 + hour, 9, 3) for name in names for hour in range(_HOURS))


def key_of(number: int) -> str:
    """A key as it is made, in no order."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]


def record_of(number: int) -> TaskRecord:
    """A row as a Spot writes it."""
    key = key_of(number)
    return TaskRecord(
        key,
        f"step_{number % 50}",
        key[::-1],
        version="v1",
        result_data=key.encode() * 3,
        func_identifier=f"app:step_{number % 50}",
        key_scheme=1,
        serializer="msgpack",
        digest=bytes.fromhex(key),
        size=96,
        arg_digests=f'{{"prompt": "{key[:8]}", "temperature": "{key[8:16]}"}}',
        made_at=_BEGIN + number,
        took=1.5,
        code=f"{key[:16]}:{key[16:]}",
        arguments=f"prompt='Summarise document {number}: {key * 5}', temperature=0.2",
    )


def timed(ask: Callable[[], object], repeat: int) -> str:
    """The best and the worst time."""
    times = []
    for _ in range(repeat):
        begun = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - begun))
    return f"{min(times):.1f} ms ({max(times):.1f})"


if __name__ == "__main__":
    sys.exit(main())
