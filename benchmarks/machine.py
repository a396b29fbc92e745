"""What a result depends on beside the code: the machine, the versions, the load."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path

from benchmarks.adapters import version

MEMBERS = (
    "beautyspot-core", "beautyspot-local", "beautyspot-data", "beautyspot-s3", "beautyspot-redis",
    "beautyspot-postgres",
)  # fmt: skip
DISTRIBUTIONS = (
    *MEMBERS, "redis", "psycopg", "msgpack", "pluggy", "xxhash",
    "boto3", "numpy", "diskcache", "joblib", "cachier", "cashews", "dogpile.cache", "aiocache",
    "emboss", "limits", "pyrate-limiter", "throttled-py", "aiolimiter", "tqdm",
)  # fmt: skip


def machine(directory: Path) -> dict[str, str]:
    """The machine, as it is now."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} to use",
        "system": f"{platform.system()} {platform.release()}",
        "file system": _file_system(directory),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "SQLite": sqlite3.sqlite_version,
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def versions() -> dict[str, str]:
    """What is installed of all that may be measured."""
    found = {name: version(name) for name in DISTRIBUTIONS}
    return {name: number for name, number in found.items() if number}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _file_system(directory: Path) -> str:
    """The kind of the file system that a directory is on, where the system tells (proc(5))."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return "unknown"
    kinds = {fields[1]: fields[2] for fields in mounts}
    place = directory.resolve()
    return next(kinds[str(path)] for path in (place, *place.parents) if str(path) in kinds)
