"""Blobs that an attacker wrote, with digests that fit: a value or a miss, never anything else."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from beautyspot import DIRECT_BLOB, MsgpackSerializer, RestoreError
from beautyspot.libraries import arrow_stream
from beautyspot.libraries.arrow_stream import CELLS, refuse_bombs
from beautyspot.results.validity import fingerprint
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")
MEGABYTE = 2**20
TAGGED = b"\xdd\x00\x00\x00\x02\xc7\x09\x00\x02"

BOMBS = {
    "an array of 4 G items": b"\xdd\xff\xff\xff\xff",
    "a map of 4 G items": b"\xdf\xff\xff\xff\xff",
    "bytes of 4 GB": b"\xc6\xff\xff\xff\xff",
    "a text of 4 GB": b"\xdb\xff\xff\xff\xff",
    "arrays in arrays": b"\x91" * 1_000_000,
    "maps in maps": b"\x81\x01" * 500_000,
    "an ext of 4 GB": b"\xc9\xff\xff\xff\xff\x00",
    "an envelope of 4 G segments": b"\xdd\xff\xff\xff\xff\xc7\x09\x00\x02" + bytes(8),
    "an envelope of a tree of 16 EB": TAGGED + b"\xff" * 8,
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
        "typed": spot.mark(content_type="text/plain", name="typed")(work),
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
        spot.metadata.put(record)
        RAN.clear()
        return run(name)

    plant.spot = spot
    return plant


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("name", ["work", "blob", "typed", "stream"])
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
    name=st.sampled_from(["work", "blob", "typed", "stream"]),
    data=st.binary(max_size=80)
    | st.binary(max_size=40).map(lambda tail: TAGGED + tail)
    | st.binary(max_size=40).map(lambda item: struct.pack(">Q", len(item)) + item),
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


@pytest.fixture
def stored(make_spot: Any) -> Any:
    """A Spot, its function, and the file of a stored blob."""
    spot = make_spot()
    marked = spot.mark(save_blob=True)(work)
    marked(1)
    (record,) = spot.metadata.scan()
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
    (blob.parent.parent / "00").symlink_to(outside)
    (blob.parent / ".tmp-link").symlink_to(outside / name)
    assert spot.collect(grace=0) == (0, 0, 0, 0)
    assert len(list(outside.iterdir())) == 2


# ------------------------------------------------------------------------------------ libraries


def envelope(value: Any, old: bytes, new: bytes) -> bytes:
    """A stored document in which one segment is another."""
    document = bytes(MsgpackSerializer().dumps(value))
    start = document.rindex(struct.pack(">BI", 0xC6, len(old)))
    assert document[start + 5 :] == old
    return document[:start] + struct.pack(">BI", 0xC6, len(new)) + new


def arrow_bytes(table: Any, compression: str | None = None) -> bytes:
    pa = pytest.importorskip("pyarrow")
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def segment(value: Any) -> bytes:
    document = bytes(MsgpackSerializer().dumps(value))
    start = document.index(b"\xff\xff\xff\xff")
    return document[start:]


@pytest.fixture(params=["pyarrow", "polars"])
def frame(request: Any) -> Any:
    """A frame that Arrow's stream format stores."""
    library = pytest.importorskip(request.param)
    pytest.importorskip("pyarrow")
    return (
        library.table({"a": [1]}) if request.param == "pyarrow" else library.DataFrame({"a": [1]})
    )


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_compressed_frame_is_not_unpacked(frame: Any, compression: str) -> None:
    pa = pytest.importorskip("pyarrow")
    bomb = arrow_bytes(pa.table({"a": pa.array([0] * 1_000_000)}), compression)
    assert len(bomb) < 100_000
    with pytest.raises(RestoreError, match="compressed"):
        MsgpackSerializer().loads(envelope(frame, segment(frame), bomb))


def test_a_frame_of_addresses(frame: Any) -> None:
    """Polars before 1.30 follows them, or ends the process."""
    pa = pytest.importorskip("pyarrow")
    mark = {"ARROW:extension:name": "POLARS_EXTENSION_TYPE", "ARROW:extension:metadata": "1;8"}
    schema = pa.schema([pa.field("a", pa.binary(8), metadata=mark)])
    trap = arrow_bytes(pa.table([pa.array([b"pointers"], pa.binary(8))], schema=schema))
    with pytest.raises(RestoreError, match="addresses"):
        MsgpackSerializer().loads(envelope(frame, segment(frame), trap))


@pytest.mark.parametrize("part", ["columns", "column_indexes"])
def test_a_zone_that_names_a_file(part: str) -> None:
    """Pandas would open it."""
    pd, pa = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    index = pd.Index(["x", "y"])
    table = pa.Table.from_pandas(pd.DataFrame({"": [False, False]}, index=index))
    metadata = json.loads(table.schema.metadata[b"pandas"])
    metadata[part][0]["numpy_type"] = "datetime64[ns, dateutil//etc/passwd]"
    trap = arrow_bytes(table.replace_schema_metadata({"pandas": json.dumps(metadata)}))
    with pytest.raises(RestoreError, match="whose name may be a path"):
        MsgpackSerializer().loads(envelope(index, segment(index), trap))


def test_a_frame_of_nothing_but_rows(frame: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    bomb = arrow_bytes(pa.table({"a": pa.nulls(CELLS * 2)}))
    assert len(bomb) < 1000
    with pytest.raises(RestoreError, match="values in"):
        MsgpackSerializer().loads(envelope(frame, segment(frame), bomb))


def test_compressed_dictionaries() -> None:
    pa = pytest.importorskip("pyarrow")
    column = pa.array(["a" * 1000] * 10).dictionary_encode()
    with pytest.raises(RestoreError, match="compressed"):
        refuse_bombs(memoryview(arrow_bytes(pa.table({"a": column}), "zstd")))
    refuse_bombs(memoryview(arrow_bytes(pa.table({"a": column}))))


def test_streams_that_are_none() -> None:
    refuse_bombs(memoryview(b""))
    refuse_bombs(memoryview(b"\xff\xff\xff\xff\0\0\0\0 what follows is not read"))
    for wrong in (b"\x10\0\0\0" + bytes(20), b"\xff\xff\xff\xff" + b"\xff" * 8):
        with pytest.raises(RestoreError, match="not a stream"):
            refuse_bombs(memoryview(wrong))


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_a_damaged_head_ends_in_an_error_or_in_nothing(data: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    whole = bytearray(arrow_bytes(pa.table({"a": [1, None], "b": ["x", "y"]})))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        whole[place] = data.draw(st.integers(0, 255))
    try:
        refuse_bombs(memoryview(whole))
    except (RestoreError, struct.error):
        return


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"vtable": 100}, "points outside"),
        ({"body": -1}, "negative"),
    ],
)
def test_heads_made_by_hand(fields: dict[str, int], told: str) -> None:
    """A message with a body's size only: root, vtable of 4 fields, table."""
    vtable = struct.pack("<HHHHHH", 12, 16, 0, 0, 0, 8)
    table = struct.pack("<iiq", fields.get("vtable", len(vtable)), 0, fields.get("body", 0))
    head = struct.pack("<I", 4 + len(vtable)) + vtable + table
    with pytest.raises(RestoreError, match=told):
        arrow_stream.refuse_bombs(memoryview(struct.pack("<Ii", 0xFFFFFFFF, len(head)) + head))


def test_a_batch_without_anything() -> None:
    """A field that is left out is 0, and an absent vector has no items."""
    vtable = struct.pack("<HHHHH", 10, 12, 0, 8, 4)
    table = struct.pack("<iIB3x", len(vtable), 8, 3)
    batch = struct.pack("<HHi", 4, 4, 4)
    head = struct.pack("<I", 4 + len(vtable)) + vtable + table + batch
    # The header's offset leads to the batch's table, behind its vtable.
    place = 4 + len(vtable) + 4
    head = head[:place] + struct.pack("<I", len(head) - 4 - place) + head[place + 4 :]
    refuse_bombs(memoryview(struct.pack("<Ii", 0xFFFFFFFF, len(head)) + head))


def test_an_image_of_a_billion_empty_lines() -> None:
    image = pytest.importorskip("PIL.Image")
    document = bytes(MsgpackSerializer().dumps(image.new("L", (0, 77))))
    place = document.index(b"\x00\x4d")
    tree = int.from_bytes(document[9:17], "big")
    bomb = (
        document[:9]
        + (tree + 4).to_bytes(8, "big")
        + document[17 : place + 1]
        + b"\xce\x40\x00\x00\x00"
        + document[place + 2 :]
    )
    with pytest.raises(RestoreError, match="size does not fit"):
        MsgpackSerializer().loads(bomb)
    assert MsgpackSerializer().loads(document).size == (0, 77)
