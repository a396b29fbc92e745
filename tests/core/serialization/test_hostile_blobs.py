"""Blobs that an attacker wrote, with digests that fit: a value or a miss, never anything else."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from beautyspot import DIRECT_BLOB, MsgpackSerializer, RestoreError
from beautyspot.libraries.arrow_stream import CELLS, require_sound
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
        require_sound(memoryview(arrow_bytes(pa.table({"a": column}), "zstd")))
    require_sound(memoryview(arrow_bytes(pa.table({"a": column}))))


def test_streams_that_are_none() -> None:
    require_sound(memoryview(b""))
    require_sound(memoryview(b"\xff\xff\xff\xff\0\0\0\0 what follows is not read"))
    for wrong in (b"\x10\0\0\0" + bytes(20), b"\xff\xff\xff\xff" + b"\xff" * 8):
        with pytest.raises(RestoreError, match="not a stream"):
            require_sound(memoryview(wrong))


@pytest.mark.parametrize(
    ("vtable", "body", "told"),
    [(100, 0, "points outside"), (12, -1, "cut off"), (12, 8, "cut off"), (12, 0, "its schema")],
)
def test_heads_made_by_hand(vtable: int, body: int, told: str) -> None:
    """A message with a body's size only: root, vtable of 4 fields, table."""
    head = struct.pack("<I6Hiiq", 16, 12, 16, 0, 0, 0, 8, vtable, 0, body)
    with pytest.raises(RestoreError, match=told):
        require_sound(memoryview(struct.pack("<Ii", 0xFFFFFFFF, len(head)) + head))


# The faults that these would cause end the process, so they run in one of their own. It reads what
# an attacker may have written in the place of a frame, and prints how many it refused.
READ_CHANGED = """
import io, random, struct, sys
import polars as pl
from beautyspot import MsgpackSerializer, RestoreError

count, pyarrow = int(sys.argv[1]), sys.argv[2] == "pyarrow"
short, long = ["x", None, "z"], ["x" * 20, "y" * 30, None]
frame = pl.DataFrame({
    "int": [1, 2, None], "bool": [True, None, False], "text": long, "bytes": [b"a", None, b"c"],
    "list": [[1], [], None], "texts": [short, None, long], "struct": [{"a": 1}, None, None],
    "cat": pl.Series(short, dtype=pl.Categorical),
    "enum": pl.Series(short, dtype=pl.Enum(["x", "z"])),
    "array": pl.Series([[1, 2]] * 3, dtype=pl.Array(pl.Int16, 2)), "null": [None] * 3,
    "time": pl.Series([1, 2, 3], dtype=pl.Datetime("ns", "Europe/Berlin")),
    "decimal": pl.Series(["1.5", None, "2"], dtype=pl.String).cast(pl.Decimal(10, 2)),
})
value = frame.drop("enum").to_arrow() if pyarrow else frame
serializer = MsgpackSerializer()
document = bytes(serializer.dumps(value))
assert serializer.loads(document).equals(value)
start = document.index(b"\\xff\\xff\\xff\\xff")
refused = 0
for seed in range(count):
    changed, dice = bytearray(document), random.Random(seed)
    for _ in range(dice.randint(1, 3)):
        place = dice.randrange(start, len(document))
        if dice.random() < 0.5:
            changed[place] = dice.randrange(256)
        else:
            place = start + (place - start) // 8 * 8
            number = dice.choice([-1, 0, 1, 7, 64, 1000, 2**20, 2**33, 2**40, 2**62])
            changed[place : place + 8] = struct.pack("<q", number)[: len(document) - place]
    try:
        repr(serializer.loads(bytes(changed)))
    except RestoreError:
        refused += 1
    except (Exception, pl.exceptions.PanicException):
        pass  # `repr` of a frame that was restored
print(refused)
"""


def refused_in_a_process(program: str, *arguments: object) -> int:
    """What a program prints, that has to end in peace."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return int(ended.stdout)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
@pytest.mark.parametrize("count", [400, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_frame_with_any_bytes_changed_ends_no_process(library: str, count: int) -> None:
    for module in ("polars", "pyarrow"):
        pytest.importorskip(module)
    assert 0 < refused_in_a_process(READ_CHANGED, count, library) < count


def test_a_stream_of_two_schemas_and_one_of_a_large_schema() -> None:
    pa = pytest.importorskip("pyarrow")
    schema = bytes(pa.schema([pa.field("a", pa.int8())]).serialize())
    require_sound(memoryview(schema))
    with pytest.raises(RestoreError, match="neither"):
        require_sound(memoryview(schema * 2))
    for place in range(0, len(schema) - 4, 4):  # any number in it may be too large
        changed = schema[:place] + b"\xff\xff\xff\x7f" + schema[place + 4 :]
        with suppress(RestoreError, struct.error):
            require_sound(memoryview(changed))
    wide = pa.table({f"{number:09}": [number] for number in range(2000)})
    require_sound(memoryview(arrow_bytes(wide)))


def columns_of_every_layout() -> Any:
    pa = pytest.importorskip("pyarrow")
    ints = pa.array([1, None, 3])
    sparse = pa.UnionArray.from_sparse(pa.array([0, 1, 0], pa.int8()), [ints, ints])
    kinds = pa.array([0, 1, 0], pa.int8())
    dense = pa.UnionArray.from_dense(kinds, pa.array([0, 0, 1], pa.int32()), [ints, ints])
    return pa.table(
        {
            "null": pa.nulls(3),
            "float": pa.array([1.0, None, 2.0], pa.float16()),
            "day": pa.array([1, 2, None], pa.date32()),
            "date": pa.array([86_400_000, 0, None], pa.date64()),
            "time": pa.array([1, 2, None], pa.time32("s")),
            "span": pa.array([1, 2, None], pa.duration("us")),
            "interval": pa.array([(1, 2, 3)] * 3, pa.month_day_nano_interval()),
            "fixed": pa.array([b"ab"] * 3, pa.binary(2)),
            "pairs": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
            "large": pa.array(["a", None, "b"], pa.large_string()),
            "lists": pa.array([[1], None, []], pa.large_list(pa.int8())),
            "map": pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int8())),
            "view": pa.array(["a", "b" * 40, None], pa.string_view()),
            "listview": pa.array([[1], None, []], pa.list_view(pa.int8())),
            "largeview": pa.array([[1], None, []], pa.large_list_view(pa.int8())),
            "runs": pa.RunEndEncodedArray.from_arrays([1, 3], ["a", "b"]),
            "dictionary": pa.array(["a", None, "a"]).dictionary_encode(),
            "within": pa.array([["a"], [], None], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
            "sparse": sparse,
            "dense": dense,
        }
    )


def test_columns_of_every_layout_come_back() -> None:
    table = columns_of_every_layout()
    restored = MsgpackSerializer().loads(MsgpackSerializer().dumps(table))
    assert restored.equals(table)
    require_sound(memoryview(arrow_bytes(table.slice(1, 1))))
    require_sound(memoryview(arrow_bytes(table.slice(0, 0))))


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
