"""A stored result's value without the program's classes, and its raw bytes."""

from __future__ import annotations

import dataclasses
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot import Content, Instance, NotInstalled, RestoreError
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from PIL import Image
from rows import put_rows

SIGNED = "a-signing-key-0123456789"


@dataclasses.dataclass
class Answer:
    text: str
    sources: list[str]


def stored(spot: Any, value: Any, **options: Any) -> str:
    """Store a value, and return its key."""

    def work(_: int) -> Any:
        return value

    marked = spot.mark(name="app:work", **options)(work)
    marked(1)
    spot.flush()
    return spot.key(marked, 1)


def look(spot: Any, **options: Any) -> Any:
    return bs.open_store(spot.db_path, **options)


# ------------------------------------------------------------------------------------- the value


@pytest.mark.parametrize(
    "value",
    [None, {"a": (1, {2})}, b"\0" * 70_000, "text" * 30_000, "\ud800" * 70_000],
    ids=lambda value: f"{value!r:.10}",
)
@pytest.mark.parametrize("save_blob", [True, False])
def test_a_plain_value_is_what_it_was(spot, value, save_blob):
    key = stored(spot, value, save_blob=save_blob)
    with look(spot) as store:
        assert store.value(key) == value
        assert store.value(key[:8]) == value
        [found] = store.rows()
        assert store.value(found) == value


def test_an_instance_of_the_program_has_its_fields(spot):
    spot.register(Answer, name="app:Answer")
    key = stored(spot, [Answer("yes", ["a"])])
    with look(spot) as store:
        assert store.value(key) == [Instance("app:Answer", {"text": "yes", "sources": ["a"]})]


def test_a_stream_is_the_list_of_its_items_and_its_return(spot):
    def count():
        yield 1
        yield "two"
        return 3

    marked = spot.mark(count)
    assert list(marked()) == [1, "two"]
    with look(spot) as store:
        key = spot.key(marked)
        assert store.value(key) == [1, "two", 3]
        assert store.content(key).filename == f"count-{key[:8]}.bin"


def test_media_are_read_where_their_library_is_installed(spot, monkeypatch):
    image = Image.new("RGB", (3, 2), "red")
    key = stored(spot, image, content_type="image/png")
    with look(spot) as store:
        assert store.value(key) == image
        monkeypatch.setitem(sys.modules, "PIL", None)
        monkeypatch.delitem(sys.modules, "beautyspot_data.pillow_types")
        found = store.value(key)
        assert type(found) is NotInstalled
        assert (found.library, found.kind) == ("pillow", "image/png")


def test_a_row_of_an_earlier_release_has_raw_bytes_only():
    metadata = MemoryMetadataStore()
    put_rows(metadata, bs.TaskRecord("old", "f", "i", result_data=b"old"))
    store = bs.open_store(metadata, storage=MemoryStorage())
    with pytest.raises(RestoreError, match=r"before 3\.0"):
        store.value("old")
    assert b"".join(store.content("old").chunks()) == b"old"
    assert [*store.verify()] == []


# ----------------------------------------------------------------------------------- the content


CONTENTS = {
    "png": (b"\x89PNG", {"content_type": "image/png"}, "image/png", "png"),
    "text": ("text", {"content_type": "text/markdown"}, "text/markdown", "md"),
    "large text": ("é" * 70_000, {}, "text/plain; charset=utf-8", "txt"),
    "large bytes": (b"x" * 70_000, {}, "application/octet-stream", "bin"),
}


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("save_blob", [True, False])
def test_the_content_of_media_is_the_result(spot, kind, save_blob):
    value, options, content_type, suffix = CONTENTS[kind]
    key = stored(spot, value, save_blob=save_blob, **options)
    data = value.encode() if isinstance(value, str) else value
    with look(spot) as store:
        content = store.content(key)
        assert b"".join(content.chunks()) == b"".join(content.chunks()) == data
        assert content == Content(content_type, len(data), f"work-{key[:8]}.{suffix}", True, None)


def test_the_content_of_others_is_their_stored_form(spot):
    key = stored(spot, {"a": 1})
    with look(spot) as store:
        content = store.content(key)
        assert bs.MsgpackSerializer().loads(b"".join(content.chunks())) == {"a": 1}
        assert (content.content_type, content.is_media) == ("application/msgpack", False)
        assert content.filename == f"work-{key[:8]}.msgpack"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(range(256)) * 9000)
    return path


def test_the_content_of_a_file_is_its_bytes(spot, film):
    key = stored(spot, bs.File(film, name="Der Film.mp4"))
    with look(spot) as store:
        content = store.content(key)
        assert b"".join(content.chunks()) == film.read_bytes()
        assert (content.content_type, content.filename) == ("video/mp4", "Der Film.mp4")
        assert store.value(key) == content


@pytest.mark.parametrize(
    ("serializer", "content_type", "filename"),
    [
        ('file:["../../x", "video/mp4"]', "application/octet-stream", "work-0.bin"),
        ('file:["x.mp4", "video/mp4\\r\\nX: y"]', "application/octet-stream", "x.mp4"),
        ("../../x", "application/octet-stream", "work-0.bin"),
    ],
)
def test_a_hostile_row_names_no_folder_and_no_header(serializer, content_type, filename):
    metadata = MemoryMetadataStore()
    row = bs.TaskRecord("0", "f", "i", result_data=b"x", func_identifier="../a:../work")
    put_rows(metadata, row._replace(serializer=serializer, content_type="a\r\nb"))
    content = bs.open_store(metadata, storage=MemoryStorage()).content("0")
    assert (content.content_type, content.filename) == (content_type, filename)


# --------------------------------------------------------------------------------------- damage


def damaged(record: bs.TaskRecord, storage: MemoryStorage, at: int) -> bs.TaskRecord:
    """The row of a result of which one byte is another."""
    if record.result_value is None:
        data = bytearray(record.result_data)
        data[at] ^= 1
        return record._replace(result_data=bytes(data))
    data = bytearray(storage.load(record.result_value))
    data[at] ^= 1
    return record._replace(result_value=storage.save(record.result_value, data))


@pytest.mark.parametrize("save_blob", [True, False])
@pytest.mark.parametrize("keys", [{}, {"signing_key": SIGNED}], ids=["digest", "signed"])
@pytest.mark.parametrize("at", [0, 3 * 2**20 - 1])
def test_what_is_damaged_is_never_given_whole(save_blob, keys, at):
    metadata, storage = MemoryMetadataStore(), MemoryStorage()
    size = 3 * 2**20
    with bs.Spot("app", metadata=metadata, storage=storage, config=False, **keys) as spot:
        key = stored(spot, b"x" * size, save_blob=save_blob, content_type="image/png")
    put_rows(metadata, damaged(metadata.get(key), storage, at))
    store = bs.open_store(metadata, storage=storage, **keys)
    with pytest.raises(RestoreError, match="damaged"):
        store.value(key)
    chunks, given = store.content(key).chunks(), []
    with pytest.raises(RestoreError, match="damaged"):
        given.extend(chunks)
    assert sum(map(len, given)) < size


def test_a_blob_that_is_gone_and_a_store_without_storage():
    metadata, storage = MemoryMetadataStore(), MemoryStorage()
    with bs.Spot("app", metadata=metadata, storage=storage, config=False) as spot:
        key = stored(spot, 1, save_blob=True)
    store = bs.open_store(metadata, storage=storage)
    storage.delete(metadata.get(key).result_value)
    with pytest.raises(bs.BlobNotFound):
        store.value(key)
    put_rows(metadata, metadata.get(key)._replace(result_value=None))
    with pytest.raises(RestoreError, match="names no blob"):
        store.value(key)
    put_rows(metadata, metadata.get(key)._replace(result_type=bs.DIRECT_BLOB))
    with pytest.raises(RestoreError, match="holds no data"):
        [*store.content(key).chunks()]


class Endless(MemoryStorage):
    """Holds a GB of zeros, of which it reads parts."""

    name = "endless"
    size = 2**30

    def save_file(self, key: str, file: Any, *, content_type: str | None = None) -> str:
        while file.read(2**20):
            pass
        return key

    def load_part(self, location: str, start: int, size: int) -> bytes:
        return bytes(max(0, min(size, self.size - start)))


@pytest.mark.skipif(sys.platform == "win32", reason="a sparse file")
def test_a_large_file_is_streamed_in_little_memory(tmp_path):
    check_streaming(tmp_path, 2**26)


def check_streaming(folder: Path, size: int) -> None:
    metadata, storage = MemoryMetadataStore(), Endless()
    storage.size = size
    path = folder / "film.mp4"
    with path.open("wb") as file:
        file.truncate(size)
    with bs.Spot("app", metadata=metadata, storage=storage, config=False) as spot:
        key = stored(spot, bs.File(path))
    store = bs.open_store(metadata, storage=storage)
    tracemalloc.start()
    try:
        assert sum(map(len, store.content(key).chunks())) == size
        assert [*store.verify()] == []
        assert store.copy_to(bs.open_store(MemoryMetadataStore(), storage=storage)).entries == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 48 * 2**20  # five of the parts that are read at once
