"""The row of a result: its bytes, what stands beside them, and the digest of all."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from xxhash import xxh3_128_digest

from beautyspot.contracts import DIRECT_BLOB, KEY_SCHEME, TaskRecord
from beautyspot.contracts.records import clean
from beautyspot.results.validity import SMALL, UNSIGNED
from beautyspot.serialization.payload import FileData, Payload

if TYPE_CHECKING:
    from beautyspot.results.placement import Placement
    from beautyspot.tasks.task import Call


def row_of(placement: Placement, call: Call, payload: Payload, took: float | None) -> TaskRecord:
    """The row of a result, with its data in it, wherever these belong.

    Args:
        placement: of the Spot; it is asked for the time, and signs.
        call: the call, with its key.
        payload: the bytes of its result.
        took: seconds that the function worked; None where it did not run.
    """
    task, key, shown, (data, codec, _) = call.task, call.key, call.arguments, payload
    now, terms, addressing = placement.store.clock(), call.terms or task.terms, task.addressing
    digest: bytes | None = None
    expires_at = None if terms.ttl is None else now + terms.ttl
    func_name, func_identifier, version, tags = _clean(
        addressing.func_name, addressing.func_identifier, addressing.version, terms.tags
    )
    if not isinstance(data, FileData):  # whose digest is known when that is stored
        if placement.signer is UNSIGNED and len(data) <= SMALL:  # `sign`, without a call
            digest = xxh3_128_digest(f"{key}\n{codec}\n".encode() + data)
        else:
            digest = placement.signer.sign(key, codec, now, expires_at, data)
    return TaskRecord(  # by position: by their names, this takes three times as long
        key,
        func_name,
        call.input_id if call.input_id.isprintable() else clean(call.input_id),
        version,
        DIRECT_BLOB,
        None if codec == task.form.codec else task.form.row_type(codec),
        None,  # result_value
        data,  # type: ignore[arg-type]  # any buffer, until it is stored
        _second(int(now)),
        func_identifier,
        KEY_SCHEME,
        codec,
        digest,
        len(data),
        call.digests,
        tags,
        now,  # made_at
        took,
        expires_at,
        None,  # used_at
        addressing.code,
        shown if shown is None or shown.isprintable() else clean(shown),
        call.price,
        call.began_at,
    )


@lru_cache(maxsize=1024)  # those of one function are the same for nearly all of its results
def _clean(
    name: str, identifier: str, version: str | None, tags: tuple[str, ...]
) -> tuple[str, str, str | None, tuple[str, ...]]:
    version = None if version is None else clean(version)
    return clean(name), clean(identifier), version, (*map(clean, tags),)


@lru_cache(maxsize=2)  # many results are made within one second, and formatting takes 3 us
def _second(seconds: int) -> str:
    """Unix time as SQLite writes a TIMESTAMP, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
