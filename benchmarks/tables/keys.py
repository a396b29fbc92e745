"""Keys of large arguments: how much longer than the digest of the same bytes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import ours
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.workload import MEBIBYTE, repeated, work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.table import Settings

SHA256 = "SHA-256 of the same"


def tables(settings: Settings) -> Iterator[Table]:
    """A list, a text, an array."""
    import numpy as np

    numbers = list(range(1_000_000, 1_010_000))
    text = "some words " * (MEBIBYTE // 11)
    array = np.arange((1 if settings.small else 100) * MEBIBYTE // 8, dtype=float)
    yield _table(settings, "a list of 10,000 integers", numbers, _digest_of_numbers)
    yield _table(settings, "a text of 1 MB", text, _digest_of_text)
    yield _table(settings, f"an array of {array.nbytes // MEBIBYTE} MB", array, _digest_of_array)


def _digest_of_numbers(numbers: list[int]) -> str:
    text = json.dumps(numbers, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _digest_of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest_of_array(array: Any) -> str:
    return hashlib.sha256(array).hexdigest()


def _table(settings: Settings, what: str, argument: object, digest: Callable[[Any], str]) -> Table:
    with settings.place("keys") as place, ours.spot_in(place) as spot:
        marked = spot.mark(work)
        candidates = {
            SHA256: Candidate(repeated(digest, argument)),
            ours.SYNC: Candidate(repeated(spot.key, marked, argument, "some words", 0.5)),
        }
        pace = settings.pace.fewer(4)
        rows = compare(candidates, SHA256, pace, targets={ours.SYNC: 1.2})
    note = "The numbers are written as JSON first, by both." if "list" in what else ""
    return Table(f"key {what}", f"The key of a call with {what}", SHA256, rows, note)
