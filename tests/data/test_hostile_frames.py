"""Frames and images that an attacker wrote, with digests that fit: a value or an error of ours."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from beautyspot import RestoreError
from beautyspot_data import arrow_types, pandas_types, polars_types
from beautyspot_data.arrow_types import CELLS
from PIL import Image
from supported import SERIALIZER, stored_as


def arrow_bytes(table: Any, compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


READERS = (arrow_types, pandas_types, polars_types)
"""Imported here: what that takes of memory is no reader's."""

FRAMES = {
    "pyarrow": lambda stream: stored_as("pyarrow.lib:Table", buffer=stream),
    "polars": lambda stream: stored_as("polars.dataframe.frame:DataFrame", "frame", buffer=stream),
}


@pytest.fixture(params=FRAMES)
def refused(request: Any) -> Any:
    """Reads a stream of Arrow's as a value of each library, which has to be refused."""

    def refused(stream: bytes, why: str) -> None:
        tracemalloc.start()
        try:
            with pytest.raises(RestoreError, match=why):
                SERIALIZER.loads(FRAMES[request.param](stream))
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()

    return refused


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_compressed_frame_is_not_unpacked(refused: Any, compression: str) -> None:
    bomb = arrow_bytes(pa.table({"a": pa.array([0] * 1_000_000)}), compression)
    assert len(bomb) < 100_000
    before = pa.total_allocated_bytes()
    refused(bomb, "compressed")
    assert pa.total_allocated_bytes() == before


def test_a_frame_of_addresses(refused: Any) -> None:
    """Polars before 1.30 follows them, or ends the process."""
    mark = {"ARROW:extension:name": "POLARS_EXTENSION_TYPE", "ARROW:extension:metadata": "1;8"}
    schema = pa.schema([pa.field("a", pa.binary(8), metadata=mark)])
    trap = pa.table([pa.array([b"pointers"], pa.binary(8))], schema=schema)
    refused(arrow_bytes(trap), "addresses")


MANY = CELLS * 2
END = pa.array([MANY], pa.int64())


@pytest.mark.parametrize(
    "column",
    [
        pa.nulls(MANY),
        pa.FixedSizeListArray.from_arrays(pa.nulls(MANY), MANY),
        pa.LargeListArray.from_arrays(pa.array([0, MANY], pa.int64()), pa.nulls(MANY)),
        pa.RunEndEncodedArray.from_arrays(END, ["a"]),
    ],
    ids=lambda column: str(column.type),
)
def test_more_values_than_memory_holds(refused: Any, column: Any) -> None:
    bomb = arrow_bytes(pa.table({"a": column}))
    assert len(bomb) < 1000
    refused(bomb, "values in")


def test_rows_without_columns(refused: Any) -> None:
    bomb = arrow_bytes(pa.table({"a": pa.nulls(MANY)}).select([]))
    refused(bomb, "values in")


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"\xff\xff\xff\xff\0\0\0\0 what follows is not read",
        b"\x10\0\0\0" + bytes(20),
        b"\xff\xff\xff\xff" + b"\xff" * 8,
        bytes(pa.schema([pa.field("a", pa.int8())]).serialize()) * 2,
        arrow_bytes(pa.table({"a": [1]}))[:-100],
    ],
    ids=range(6),
)
def test_streams_that_are_none(refused: Any, stream: bytes) -> None:
    refused(stream, "can't be restored|frame|Arrow")


# The faults that these would cause end the process, so they run in one of their own. It reads what
# an attacker may have written in the place of a frame, and prints how many it refused.
READ_CHANGED = """
import random, struct, sys
import polars as pl
from beautyspot import RestoreError
from supported import SERIALIZER as serializer

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


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
@pytest.mark.parametrize("count", [200, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_frame_with_any_bytes_changed_ends_no_process(library: str, count: int) -> None:
    command = [sys.executable, "-c", READ_CHANGED, str(count), library]
    folder = Path(__file__).parents[1]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, cwd=folder
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert 0 < int(ended.stdout) < count


def test_an_image_of_a_billion_empty_lines() -> None:
    document = SERIALIZER.dumps(Image.new("L", (0, 77)))
    assert SERIALIZER.loads(document).size == (0, 77)
    with pytest.raises(RestoreError, match="size does not fit"):
        SERIALIZER.loads(stored_as("PIL.Image:Image", "L", 0, 2**30, {}, buffer=b""))
