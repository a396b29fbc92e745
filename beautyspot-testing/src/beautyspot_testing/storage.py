"""The contract of a blob storage, as tests: what `BlobStorageBase` promises.

For the author of a storage::

    from beautyspot_testing.storage import StorageContract

    class TestFooStorage(StorageContract):
        def make(self, tmp_path):
            return FooStorage(tmp_path / "blobs")
"""

from __future__ import annotations

import os
from array import array
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Final

import pytest
from beautyspot.contracts import BlobStorageBase
from beautyspot.errors import BlobLocationError, BlobNotFound, StorageError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beautyspot_testing.shared import Switches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beautyspot.contracts import Data

KEY: Final = "9f2c41d8/3f/3f5a0c-x7k2.bin"

BLOBS: Final[dict[str, Data]] = {
    "no bytes": b"",
    "nul": b"\0",
    "ends of lines": b"\r\n\x1a",
    "every byte": bytes(range(256)) * 10,
    "bytearray": bytearray(b"bytearray"),
    "memoryview": memoryview(b"memoryview"),
    "empty": memoryview(b"")[:0],
    "strided": memoryview(b"every second byte")[::2],
    "doubles": memoryview(array("d", [1.5, 2.5])),
}
"""Blobs of every kind, by what is special in them."""

HOSTILE_KEYS: Final = (
    *("", "/", ".", "..", "/etc/passwd", "../x", "a/../../x", "a/..", "a/../b", "a/./b", "./a"),
    *("a//b", "a/", "a\\b", "..\\x", "C:\\x", "a\0b", "\0", "\ud800", "a/\udfff.bin"),
)
"""Keys that are not a relative path of valid parts."""

FOREIGN_LOCATIONS: Final = (
    *HOSTILE_KEYS,
    *(
        "file:///etc/passwd",
        "s3://elsewhere/x",
        "http://127.0.0.1:9/x",
        "\\\\host\\share",
    ),
    *("~/.ssh/id_rsa", "CON", "$HOME", "%2e%2e/%2e%2e/etc/passwd", "9f2c41d8"),
    *("x" * 300, "x" * 5000, "a/" * 3000 + "a"),
    *("{}/../x", "{}/..", "{}/", "{}\0", "../{}", "{}x", "{0}/{0}", "{}?x", "{}#x"),
)
"""Texts that a hostile or damaged table may hold instead of a location, which is in place of {}."""

LONG_KEYS: Final = ("x" * 600, "é" * 300, "deep/" * 150 + "x", "x" * 2000)
"""Longer than some stores take: LMDB 511 bytes, a file's name 255, S3 1024."""

_SIZE: Final = 200_000


def blob(number: int) -> bytes:
    """A blob of equal bytes, whose value gives the blob's length."""
    return bytes([number % 251]) * (_SIZE + number % 251)


LARGEST_PART: Final = 64 * 2**20
"""Bytes that a storage which reads files in parts may ask for at a time."""


class OnlyRead:
    """A file that can be read once, and nothing else; breaks off at its end if it `fails`."""

    def __init__(self, storage: BlobStorageBase, data: bytes, *, fails: bool = False) -> None:
        self._data = BytesIO(data)
        self._in_parts = type(storage).save_file is not BlobStorageBase.save_file
        self._fails = fails

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        if self._in_parts:
            assert 0 < size <= LARGEST_PART, f"a file is read in parts, and not {size} at a time"
        data = self._data.read(size if size < 0 else min(size, 100_000))
        if self._fails and (size < 0 or not data):
            raise OSError("the file could not be read to its end")
        return data


_KEYS = st.sampled_from(["a.bin", "ab/a.bin", "ab/b.bin", "ab/cd/a.bin", "ab2/a.bin", "é/日本.bin"])
_STEPS = st.lists(st.tuples(st.booleans(), _KEYS, st.binary(max_size=300)), max_size=12)

_property = settings(
    max_examples=25,
    deadline=None,
    # One storage serves all examples, and each subclass runs the test with a `self` of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class StorageContract(Switches):
    """Subclass it, and implement `make`.

    Switches, for what a storage does not promise:
        can_delete: it implements `delete`.
        can_list: it implements `list`.
        persistent: a second instance for the same place finds what the first has saved.
        large: size in bytes of the largest blob to try.
        writes: how often the tests of torn writes replace a blob.
    """

    can_delete = True
    can_list = True
    persistent = True
    large = 8 * 2**20
    writes = 40

    def make(self, tmp_path: Path) -> BlobStorageBase:
        """A storage whose place is derived from `tmp_path`: empty for a new one, else the same."""
        raise NotImplementedError("return the storage to test")

    def make_again(self, tmp_path: Path) -> BlobStorageBase:
        """A second instance, on the place of the first."""
        return self.make(tmp_path)

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        """What `make` gets: it does not exist yet, nor does its parent."""
        return tmp_path / "not" / "yet" / tmp_path.name

    @pytest.fixture
    def storage(self, place: Path) -> Iterator[BlobStorageBase]:
        """The storage under test; closed when the test ends."""
        storage = self.make(place)
        yield storage
        storage.close()

    # ------------------------------------------------------------------------ what is kept

    @pytest.mark.parametrize("data", BLOBS.values(), ids=BLOBS)
    def test_what_was_saved_is_loaded(self, storage: BlobStorageBase, data: Data) -> None:
        location = storage.save(KEY, data)
        assert isinstance(location, str)
        loaded = storage.load(location)
        assert type(loaded) is bytes
        assert loaded == bytes(data)

    def test_it_keeps_no_reference(self, storage: BlobStorageBase) -> None:
        data = bytearray(b"before")
        location = storage.save(KEY, data)
        data[:] = b"change"
        assert storage.load(location) == b"before"

    @pytest.mark.parametrize(
        "key",
        ["x", "deep/" * 10 + "x", "日本/ключ-é.bin", "a b/c+d&e=f%20.bin", "-", "..a", "a..b/c"],
    )
    def test_every_sound_key(self, storage: BlobStorageBase, key: str) -> None:
        for content_type in (None, "image/png", "text/plain; charset=utf-8", "text/vnd.mermaid"):
            location = storage.save(key, key.encode(), content_type=content_type)
            assert storage.load(location) == key.encode()

    @pytest.mark.parametrize("key", LONG_KEYS, ids=lambda key: f"{len(key.encode())}-bytes")
    def test_a_long_key_is_kept_or_refused(self, storage: BlobStorageBase, key: str) -> None:
        try:
            location = storage.save(key, b"x")
        except StorageError:
            assert storage.load(storage.save(KEY, b"y")) == b"y"
        else:
            data = storage.load(location)  # not in the assertion, which would show the location
            assert data == b"x", f"{key[:20]}… is saved, and another blob is loaded"

    def test_two_instances_share_a_place_and_closing_one_leaves_the_other(
        self, storage: BlobStorageBase, place: Path
    ) -> None:
        self._needs("persistent")
        again, location = self.make_again(place), storage.save("a/1", b"one")
        assert again.load(location) == b"one"
        assert storage.load(again.save("a/2", b"two")) == b"two"
        assert storage.save("a/3", b"") == again.save("a/3", b"")
        again.close()
        assert storage.load(location) == b"one"
        assert storage.load(storage.save("a/4", b"four")) == b"four"

    # --------------------------------------------------------- what is not there, or not ours

    def test_a_missing_blob(self, storage: BlobStorageBase) -> None:
        location = storage.save("ab/here", b"x")
        for part in ("here", "ab/here"):
            gone = location.replace(part, "cd/gone")
            with pytest.raises(BlobNotFound):
                storage.load(gone)
            with pytest.raises(BlobNotFound):
                storage.load_part(gone, 0, 1)

    @pytest.mark.parametrize("key", HOSTILE_KEYS)
    def test_a_hostile_key_is_refused(self, storage: BlobStorageBase, key: str) -> None:
        with pytest.raises(BlobLocationError):
            storage.save(key, b"x")
        with pytest.raises(BlobLocationError):
            storage.save_file(key, OnlyRead(storage, b"x"))

    @pytest.mark.parametrize("location", FOREIGN_LOCATIONS)
    def test_nothing_foreign_is_loaded_found_or_deleted(
        self, storage: BlobStorageBase, location: str
    ) -> None:
        kept = storage.save(KEY, b"x")
        location = location.format(kept)
        with pytest.raises((BlobLocationError, BlobNotFound)):
            storage.load(location)
        with pytest.raises((BlobLocationError, BlobNotFound)):
            storage.load_part(location, 0, 1)
        with suppress(BlobLocationError):
            path = storage.local_path(location)
            assert path is None or not os.path.isfile(path), f"leads to {path}"  # noqa: PTH113 - of any length
        if self.can_delete:
            with suppress(BlobLocationError):  # or nothing: it is not there
                storage.delete(location)
        assert storage.load(kept) == b"x"

    # ------------------------------------------------------------------------------- listing

    def test_a_list_is_exact(self, storage: BlobStorageBase) -> None:
        self._needs("can_list")
        assert list(storage.list()) == list(storage.list("nothing/here/")) == []
        keys = ("app/a", "app/b/c", "app2/d", "ap/d", "app.txt", "other/app/e", "x")
        sizes = {storage.save(key, key.encode()): len(key) for key in keys}
        found = list(storage.list())
        assert {info.location for info in found} == set(sizes), "by what `save` has returned"
        assert {info.location: info.size for info in found} == sizes, "the size as it was given"
        assert len(found) == len(sizes)
        assert next(iter(storage.list())) in found, "a listing may be left early"
        assert all(1.5e9 < info.modified_at < 1e11 for info in found), "not a Unix time in seconds"
        below = [[info.size for info in storage.list(prefix)] for prefix in ("app/", "app/b/")]
        assert [sorted(each) for each in below] == [[5, 7], [7]], "a prefix reaches its neighbours"

    @pytest.mark.parametrize("prefix", ["../", "/", "/etc/", "a/../../", "a\\b/", "\0/"])
    def test_a_list_stays_inside(self, storage: BlobStorageBase, prefix: str) -> None:
        self._needs("can_list")
        storage.save(KEY, b"x")
        with pytest.raises(BlobLocationError):
            list(storage.list(prefix))

    @_property
    @given(steps=_STEPS)
    def test_it_behaves_like_a_dict(
        self, storage: BlobStorageBase, steps: list[tuple[bool, str, bytes]]
    ) -> None:
        self._needs("can_delete")
        model: dict[str, bytes] = {}
        for keep, key, data in steps:
            location = storage.save(key, data)
            model[location] = data
            if not keep:
                storage.delete(location)
                storage.delete(location)  # of what is not there, nothing is to be done
                del model[location]
                with pytest.raises(BlobNotFound):
                    storage.load(location)
        for location, data in model.items():
            assert storage.load(location) == data
        if self.can_list:
            assert {info.location for info in storage.list()} == model.keys()
        for location in (info.location for info in storage.list()) if self.can_list else model:
            storage.delete(location)  # also while they are listed
        assert not self.can_list or list(storage.list()) == []

    # ------------------------------------------------------------------------- many at once

    def test_no_reader_sees_a_part(self, storage: BlobStorageBase) -> None:
        location = storage.save(KEY, blob(0))

        def write() -> None:
            for number in range(self.writes):
                storage.save(KEY, blob(number))

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            while not writing.done():
                data = storage.load(location)
                assert data, "a reader saw an empty blob"
                assert data == blob(data[0]), f"a reader saw {len(data)} bytes, mixed or cut"
            writing.result()

    # ---------------------------------------------------------------------- files, and parts

    @pytest.mark.parametrize("data", [b"", b"\0", bytes(range(256)) * 1000], ids=len)
    def test_a_file_is_saved(self, storage: BlobStorageBase, data: bytes) -> None:
        first = storage.save(KEY, b"a long first one" * 1000)
        assert storage.save_file(KEY, OnlyRead(storage, data), content_type="video/mp4") == first
        assert storage.load(first) == data
        path = storage.local_path(first)
        assert path is None or path.read_bytes() == data
        assert storage.save(KEY, b"data") == first
        assert storage.load(first) == b"data"

    def test_a_large_blob(self, storage: BlobStorageBase) -> None:
        data = b"0123456789abcdef" * (self.large // 16) + b"end"
        saved, file = storage.save("a/1", data), storage.save_file("a/2", OnlyRead(storage, data))
        assert storage.load(saved) == data
        assert storage.load(file) == data
        assert storage.load_part(file, len(data) - 5, 100) == b"efend"

    def test_a_file_that_breaks_off_leaves_nothing(self, storage: BlobStorageBase) -> None:
        location = storage.save(KEY, b"before")
        broken = OnlyRead(storage, b"a part", fails=True)
        with pytest.raises((OSError, StorageError)):
            storage.save_file(KEY, broken)
        assert storage.load(location) == b"before", "a part took the place of what was there"
        with pytest.raises((OSError, StorageError)):
            storage.save_file("a/new", OnlyRead(storage, b"x" * self.large, fails=True))
        if self.can_list:
            assert [info.location for info in storage.list()] == [location]

    @pytest.mark.parametrize(
        ("start", "size"), [(0, 10), (0, 4), (3, 4), (9, 1), (8, 100), (10, 5), (99, 1), (3, 0)]
    )
    def test_a_part_is_loaded(self, storage: BlobStorageBase, start: int, size: int) -> None:
        location = storage.save(KEY, b"0123456789")
        part = storage.load_part(location, start, size)
        assert type(part) is bytes
        assert part == b"0123456789"[start : start + size]
        assert storage.load_part(storage.save(KEY, b""), start, size) == b""
