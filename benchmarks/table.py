"""What a benchmark hands back, and what it is told."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    Attributes:
        directory: an empty one for everything that is stored; best on the disk that is meant.
        pace: rounds, and seconds a round.
        peers: whether other libraries are measured, where they are installed.
        full: also what takes long: a million rows.
        small: sizes of a trial run, that proves that all works and measures nothing.
        beside: another checkout, for the table of that name.
    """

    directory: Path
    pace: Pace = field(default_factory=Pace)
    peers: bool = True
    full: bool = False
    small: bool = False
    beside: Path | None = None

    @contextmanager
    def place(self, name: str) -> Iterator[Path]:
        """A new directory, gone afterwards."""
        place = self.directory / name
        place.mkdir(parents=True)
        try:
            yield place
        finally:
            shutil.rmtree(place)


@dataclass(frozen=True)
class Table:
    """One question answered.

    Attributes:
        key: a short name, for files and for the command line.
        title: a headline.
        reference: what `x` is the ratio to, in words; "" in a table without ratios.
        rows: as `measure.compare` gives them; without a reference any columns, beside `name`.
        note: what the reader has to know.
    """

    key: str
    title: str
    reference: str
    rows: list[dict[str, Any]]
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the JSON file."""
        return asdict(self)
