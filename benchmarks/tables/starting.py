"""What a program pays before its first call: imports, and the first Spot."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

from benchmarks.adapters import version
from benchmarks.measure import Candidate, rows_of, times_of
from benchmarks.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.measure import Row, Times
    from benchmarks.table import Settings

PARTS = "what it is made of"
SPOT = 'import beautyspot; Spot("x")'
BARE = "a bare interpreter"
PROGRAMS = {
    BARE: "pass",
    PARTS: "import pluggy, importlib.metadata, msgpack, sqlite3",
    "the same, and a scan for plug-ins": (
        "import pluggy, importlib.metadata, msgpack, sqlite3;"
        "importlib.metadata.entry_points(group='beautyspot')"
    ),
    "import beautyspot": "import beautyspot",
    SPOT: "import beautyspot; beautyspot.Spot('x', config=False)",
    "import asyncio": "import asyncio",
}
PEERS = {
    "import diskcache": "diskcache", "import joblib": "joblib", "import cachier": "cachier",
    "import cashews": "cashews", "import emboss": "emboss", "import dogpile.cache": "dogpile.cache",
    "import boto3": "boto3",
}  # fmt: skip


def tables(settings: Settings) -> Iterator[Table]:
    """One table."""
    programs = dict(PROGRAMS)
    if settings.peers:
        programs |= {name: name for name, needs in PEERS.items() if version(needs)}
    with settings.place("starting") as place:
        candidates = {
            name: Candidate(_interpreter(program, str(place)), most=1)
            for name, program in programs.items()
        }
        rows = _less_bare(times_of(candidates, settings.pace.fewer(5)))
    yield Table(
        "starting",
        "Starting: from nothing to the end of the program",
        f"{PARTS}: `{PROGRAMS[PARTS]}`, both less a bare interpreter",
        rows,
        f"The scan for plug-ins reads {len(list(metadata.distributions()))} installed "
        "distributions here, and takes longer with more.",
    )


def _less_bare(times: Times) -> list[Row]:
    """Take a bare interpreter's time from everyone's, round by round."""
    bare = times[BARE]
    net = {
        name: [max(mine - other, 1e-6) for mine, other in zip(own, bare, strict=True)]
        for name, own in times.items()
        if name != BARE
    }
    return rows_of(net, PARTS, {SPOT: 1.3})


def _interpreter(program: str, place: str) -> Callable[[int], None]:
    """Start one, in an environment that keeps bytecode and reads no settings of ours."""
    names = [n for n in os.environ if n.startswith("BEAUTYSPOT_") or n == "PYTHONDONTWRITEBYTECODE"]
    environment = {name: value for name, value in os.environ.items() if name not in names}

    def run(count: int) -> None:
        for _ in range(count):
            command = [sys.executable, "-c", program]
            subprocess.run(command, cwd=place, env=environment, check=True)  # noqa: S603 - our own

    return run
