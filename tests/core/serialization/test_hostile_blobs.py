"""Blobs that an attacker wrote, with digests that fit: a value or a miss, never anything else."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
from beautyspot import DIRECT_BLOB
from beautyspot.results import local_files
from beautyspot.results.validity import fingerprint
from handmade import BUFFER, document, ext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rows import put_rows

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")
MEGABYTE = 2**20
TAGGED = document(None)[:10]

BOMBS = {
    "an array of 4 G items": b"\xdd\xff\xff\xff\xff",
    "a map of 4 G items": b"\xdf\xff\xff\xff\xff",
    "bytes of 4 GB": b"\xc6\xff\xff\xff\xff",
    "a text of 4 GB": b"\xdb\xff\xff\xff\xff",
    "arrays in arrays": b"\x91" * 1_000_000,
    "maps in maps": b"\x81\x01" * 500_000,
    "an ext of 4 GB": b"\xc9\xff\xff\xff\xff\x00",
    "an envelope of 4 G parts": b"\xdd\xff\xff\xff\xff" + TAGGED[5:] + bytes(8),
    "an envelope of 4 GB of buffers": TAGGED + b"\xff" * 8,
    "an envelope of a buffer of 16 EB": document([ext(3), [ext(BUFFER), 2**64 - 1]]),
    "a tree of 4 G items": TAGGED + bytes(4) + b"\xdd\xff\xff\xff\xff",
    "tagged arrays in arrays": TAGGED + bytes(4) + b"\x92\xd4\x05\x01" * 100_000,
    "nothing": b"",
    "an envelope that breaks off": TAGGED,
    "a stream's item of 16 EB": b"\xff" * 8,
}

RAN: list[Any] = []


def work(x: Any) -> Any:
    RAN.append(x)
    return ["result", x]


def stream(x: Any) -> Any:
    RAN.append(x)
    yield "result"
    yield x


@pytest.fixture
def plant(make_spot: Any) -> Any:
    """Puts bytes in the place of a stored result, as an attacker does who can reckon a digest."""
    spot = make_spot()
    functions = {
        "work": spot.mark(work),
        "blob": spot.mark(save_blob=True, name="blob")(work),
        "stream": spot.mark(stream),
    }

    def run(name: str) -> Any:
        value = functions[name](1)
        return list(value) if name == "stream" else value

    def plant(name: str, data: bytes, codec: str | None = None) -> Any:
        RAN.clear()
        run(name)
        key = spot.key(functions[name], 1)
        record = spot.metadata.get(key)
        codec = codec or record.serializer
        digest = fingerprint(key, codec, data)
        record = record._replace(serializer=codec, digest=digest, result_data=data)
        if record.result_type != DIRECT_BLOB:
            Path(spot.storage.base_dir, record.result_value).write_bytes(data)
            record = record._replace(result_data=None)
        put_rows(spot.metadata, record)
        RAN.clear()
        return run(name)

    plant.spot = spot
    return plant


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("name", ["work", "blob", "stream"])
def test_bombs_are_misses(plant: Any, name: str, bomb: str) -> None:
    tracemalloc.start()
    try:
        value = plant(name, BOMBS[bomb])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert value == ["result", 1]
    assert RAN == [1]
    assert peak < 40 * MEGABYTE


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(["work", "blob", "stream"]),
    data=st.binary(max_size=80)
    | st.binary(max_size=40).map(lambda tail: TAGGED + tail)
    | st.binary(max_size=40).map(lambda tail: TAGGED + bytes(4) + tail)
    | st.binary(max_size=40).map(lambda item: msgpack.packb([item])),
    codec=st.sampled_from(
        [None, "msgpack", "raw:bytes", "raw:text", "stream:msgpack", "pickle", "x"]
    ),
)
@example(name="work", data=b"cos\nsystem\n(S'false'\ntR.", codec="pickle")
def test_bytes_of_anything_are_a_value_or_a_miss(
    plant: Any, name: str, data: bytes, codec: str | None
) -> None:
    value = plant(name, data, codec)
    if RAN:
        assert value == ["result", 1]
        assert plant.spot.stats()["errors"] > 0


# ------------------------------------------------------------------------- what lies in its place


@pytest.fixture(params=[0, 3600 * 10**9], ids=["known", "unknown"])
def stored(make_spot: Any, monkeypatch: pytest.MonkeyPatch, request: Any) -> Any:
    """A Spot, its function, and the file of a stored blob, which a hit remembers or not."""
    monkeypatch.setattr(local_files, "SETTLED", request.param)
    spot = make_spot()
    marked = spot.mark(save_blob=True)(work)
    marked(1)
    (record,) = spot.metadata.all_rows()
    return spot, marked, Path(spot.storage.base_dir, record.result_value)


def is_missed(marked: Any) -> bool:
    RAN.clear()
    assert marked(1) == ["result", 1]
    return bool(RAN)


@posix
@pytest.mark.parametrize("kind", ["link", "folder's link", "fifo", "device", "directory", "loop"])
def test_what_is_planted_in_a_blob_s_place(stored: Any, tmp_path: Path, kind: str) -> None:
    _, marked, blob = stored
    assert not is_missed(marked)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / blob.name).write_bytes(blob.read_bytes())
    blob.unlink()
    if kind == "folder's link":
        blob.parent.rmdir()
        blob.parent.symlink_to(outside)
    elif kind == "fifo":
        os.mkfifo(blob)
    elif kind == "directory":
        blob.mkdir()
    else:
        targets = {"link": outside / blob.name, "device": "/dev/zero", "loop": blob}
        blob.symlink_to(targets[kind])
    before = sorted(outside.iterdir()), (outside / blob.name).read_bytes()
    assert is_missed(marked)
    assert (sorted(outside.iterdir()), (outside / blob.name).read_bytes()) == before


@posix
def test_nothing_is_collected_through_a_link(stored: Any, tmp_path: Path) -> None:
    spot, _, blob = stored
    outside = tmp_path / "outside"
    outside.mkdir()
    name = f"{7:032x}-12345678.msgpack"
    for file in (name, ".tmp-0123"):
        (outside / file).write_bytes(b"precious")
        os.utime(outside / file, (1, 1))
    (blob.parent / name).symlink_to(outside / name)
    (blob.parent / ".tmp-link").symlink_to(outside / name)
    assert spot.collect(grace=0) == (0, 0, 0, 0)
    assert len(list(outside.iterdir())) == 2
