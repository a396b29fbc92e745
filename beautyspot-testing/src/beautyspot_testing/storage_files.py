"""The part of the suite of storages that is about files: saved in parts, and read in parts."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from beautyspot.contracts import BlobStorageBase
from beautyspot.errors import BlobLocationError, BlobNotFound, StorageError

from beautyspot_testing.storage_values import FOREIGN_LOCATIONS, HOSTILE_KEYS, KEY
from beautyspot_testing.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_PART = 64 * 2**20
"""Bytes that a storage which reads files in parts may ask for at a time."""

_TEN = b"0123456789"


class OnlyRead:
    """A file that can be read once, and nothing else; breaks off where there is a `failure`."""

    def __init__(self, data: bytes, check: Callable[[int], None], *, fails: bool = False) -> None:
        self._data = BytesIO(data)
        self._check = check
        self._fails = fails

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        self._check(size)
        data = self._data.read(size if size < 0 else min(size, 100_000))
        if self._fails and (size < 0 or not data):
            raise BrokenOffError
        return data


class BrokenOffError(Exception):
    """The file could not be read to its end."""


def _any_size(size: int) -> None:
    del size


def _in_parts(size: int) -> None:
    assert 0 < size <= LARGEST_PART, f"a file is read in parts, and not {size} bytes at a time"


class FilesContract(Switches):
    """What a storage must do with files; part of `StorageContract`.

    A storage that implements neither `save_file` nor `load_part` passes it by what it inherits.
    """

    large: int = 8 * 2**20
    can_list: bool = True

    def _file(self, storage: BlobStorageBase, data: bytes, *, fails: bool = False) -> OnlyRead:
        whole = type(storage).save_file is BlobStorageBase.save_file
        return OnlyRead(data, _any_size if whole else _in_parts, fails=fails)

    @pytest.mark.parametrize("data", [b"", b"\0", bytes(range(256)) * 1000], ids=len)
    def test_a_file_is_saved(self, storage: BlobStorageBase, data: bytes) -> None:
        location = storage.save_file(KEY, self._file(storage, data), content_type="video/mp4")
        assert storage.load(location) == data
        if self.can_list:
            assert [(info.location, info.size) for info in storage.list()] == [
                (location, len(data))
            ]

    def test_a_large_file(self, storage: BlobStorageBase) -> None:
        data = b"0123456789abcdef" * (self.large // 16) + b"end"
        location = storage.save_file(KEY, self._file(storage, data))
        assert storage.load(location) == data
        assert storage.load_part(location, len(data) - 5, 100) == b"efend"

    def test_a_file_takes_the_place_of_data(self, storage: BlobStorageBase) -> None:
        first = storage.save(KEY, b"a long first one" * 1000)
        assert storage.save_file(KEY, self._file(storage, b"file")) == first
        assert storage.load(first) == b"file"
        assert storage.save(KEY, b"data") == first
        assert storage.load(first) == b"data"

    def test_a_file_that_breaks_off_leaves_nothing(self, storage: BlobStorageBase) -> None:
        location = storage.save(KEY, b"before")
        broken = self._file(storage, b"a part", fails=True)
        with pytest.raises((BrokenOffError, StorageError)):
            storage.save_file(KEY, broken)
        assert storage.load(location) == b"before", "a part took the place of what was there"
        with pytest.raises((BrokenOffError, StorageError)):
            storage.save_file("a/new", self._file(storage, b"x" * self.large, fails=True))
        if self.can_list:
            assert [info.location for info in storage.list()] == [location]

    @pytest.mark.parametrize("key", HOSTILE_KEYS)
    def test_a_file_under_a_hostile_key_is_refused(
        self, storage: BlobStorageBase, key: str
    ) -> None:
        with pytest.raises(BlobLocationError):
            storage.save_file(key, self._file(storage, b"x"))

    @pytest.mark.parametrize(
        ("start", "size"), [(0, 10), (0, 4), (3, 4), (9, 1), (8, 100), (10, 5), (99, 1), (3, 0)]
    )
    def test_a_part_is_loaded(self, storage: BlobStorageBase, start: int, size: int) -> None:
        location = storage.save(KEY, _TEN)
        part = storage.load_part(location, start, size)
        assert type(part) is bytes
        assert part == _TEN[start : start + size]

    def test_a_part_of_an_empty_blob(self, storage: BlobStorageBase) -> None:
        assert storage.load_part(storage.save(KEY, b""), 0, 10) == b""

    def test_a_part_of_a_missing_blob(self, storage: BlobStorageBase) -> None:
        location = storage.save("ab/here", b"x")
        with pytest.raises(BlobNotFound):
            storage.load_part(location.replace("here", "gone"), 0, 1)

    @pytest.mark.parametrize("location", FOREIGN_LOCATIONS)
    def test_no_part_of_anything_foreign_is_loaded(
        self, storage: BlobStorageBase, location: str
    ) -> None:
        storage.save(KEY, b"x")
        with pytest.raises((BlobLocationError, BlobNotFound)):
            storage.load_part(location, 0, 1)

    def test_the_path_of_a_blob_is_a_file_with_its_bytes(self, storage: BlobStorageBase) -> None:
        location = storage.save_file(KEY, self._file(storage, _TEN))
        path = storage.local_path(location)
        if path is None:
            pytest.skip("its blobs are no files of this machine")
        assert path.read_bytes() == _TEN

    @pytest.mark.parametrize("location", FOREIGN_LOCATIONS)
    def test_nothing_foreign_has_a_path(self, storage: BlobStorageBase, location: str) -> None:
        try:
            path = storage.local_path(location)
        except BlobLocationError:
            return
        assert path is None or not os.path.isfile(path), f"{location!r} leads to {path}"  # noqa: PTH113 - of any length
